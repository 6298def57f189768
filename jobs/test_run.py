"""Test runs: calls a target once without a job; nothing is stored (wire facts, section 8)."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.signin.throttle import TooManyAttempts, count
from jobs.runners import RUNNERS, Context, IORunner, Outcome, Spec
from jobs.runners.github_actions import probe

SECONDS = 10.0
MOST_SECONDS = 30.0
# Each holds a thread of the web server until its target answers.
_slots = threading.BoundedSemaphore(4)
BUSY_SECONDS = 5


class TestRun(TypedDict):
    """What the target said."""

    ok: Annotated[bool, "Whether that is a success."]
    type: Annotated[Literal["webhook", "github"], "What was tried."]
    status_code: NotRequired[Annotated[int | None, "The status of the answer."]]
    error: NotRequired[Annotated[str, "A label, when there was no answer."]]
    message: Annotated[str, "The same in words."]


@dataclass(frozen=True)
class Answer:
    """What the target said; `error` is a label for when there was no answer at all."""

    ok: bool
    type: Literal["webhook", "github"]
    status: int | None
    message: str
    error: str = ""

    def to_json(self) -> TestRun:
        told: TestRun = {"ok": self.ok, "type": self.type, "message": self.message}
        if self.error:
            told["error"] = self.error
        else:
            told["status_code"] = self.status
        return told


class TestRunSlot:
    """A context that limits test runs per user: per minute, and at the same time. Entering raises TooManyAttempts."""

    def __init__(self, user: User) -> None:
        self._user = user

    def __enter__(self) -> None:
        count("test-run", str(self._user.uid))
        if not _slots.acquire(blocking=False):
            raise TooManyAttempts(BUSY_SECONDS)

    def __exit__(self, *_error: object) -> None:
        _slots.release()


def webhook(
    options: Mapping[str, Any],
    metadata: Mapping[str, Any],
    seconds: float = SECONDS,
    secrets: Mapping[str, str] | None = None,
) -> Answer:
    """Sends the request of a webhook job once, under the address rule of its runner."""
    runner = RUNNERS["webhook"]
    if not isinstance(runner, IORunner):
        raise TypeError("Webhooks are called in an event loop.")
    spec = Spec(
        run_id=str(uuid.uuid4()),
        attempt=1,
        job_id="",
        job_name="test run",
        kind="webhook",
        options=dict(options),
        metadata=dict(metadata),
        secrets=dict(secrets or {}),
        timeout=seconds,
    )

    async def call() -> Outcome:
        return await runner.run(Context(spec, asyncio.Event(), lambda _text: None))

    outcome = asyncio.run(call())
    if outcome.response_status is None:
        return Answer(False, "webhook", None, outcome.message, "Request failed")
    good = _("The webhook answered with status %(status)d.") % {"status": outcome.response_status}
    return Answer(outcome.state == "success", "webhook", outcome.response_status, outcome.message or good)


def github(
    options: Mapping[str, Any],
    metadata: Mapping[str, Any],
    ref: str,
    seconds: float = SECONDS,
    token: str = "",
) -> Answer:
    """Starts the workflow of a GitHub job once on `ref`, with the metadata as its inputs; follows nothing."""
    if not (token := token or settings.GITHUB_TOKEN):
        text = _("Set GITHUB_TOKEN, so that workflows can be started.")
        return Answer(False, "github", None, text, "GitHub token not configured")
    where = (options["owner"], options["repo"], options["workflow"])
    ok, status, message = asyncio.run(probe(*where, ref, dict(metadata), token, seconds))
    return Answer(ok, "github", status, message, "" if status is not None else "Request failed")
