"""POST /jobs/test-run: calls a target and returns its response; stores nothing (wire facts, section 8)."""

from __future__ import annotations

import math
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from rest_framework.request import Request

from accounts.rest.permissions import account, needs
from accounts.signin.throttle import TooManyAttempts
from jobs import test_run
from jobs.forms.targets import GITHUB_KEYS, TARGET_KEYS, GitHubKeys
from jobs.models import Job
from jobs.rest.validation import OPTION_LABELS
from jobs.rest.wire import Metadata
from jobs.runners import clean_options
from jobs.runners.webhook.forms import TargetUrl
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Rules, partial
from scheduler_site.rest.views import ApiError, ApiView, too_many


@partial
class Target(GitHubKeys):
    """What to try: `target_url`, or all of `github_...`."""

    target_url: TargetUrl | None
    metadata: Metadata | None
    timeout_seconds: Annotated[
        float | None, "How long to wait: 1 to 30.", Rules(default=int(test_run.SECONDS))
    ]


class TestRunView(ApiView):
    tag = "Tools"
    method_permissions = {"POST": needs("jobs.run_job")}

    @route(
        "test_target",
        "What the target said; also when it could not be reached.",
        {429: "Too many tries in this minute, or at once."},
        request=Target,
    )
    def post(self, request: Request) -> Answer[test_run.TestRun]:
        """Try a target.

        For users and administrators. Stores nothing. A URL goes before a workflow.
        """
        body = self.payload()
        metadata = _metadata(body.get("metadata"))
        target = {key: _text(body, key) for key in TARGET_KEYS}
        seconds = _seconds(body.get("timeout_seconds"))
        options = _options(target)
        try:
            with test_run.TestRunSlot(account(request)):
                answer = _tried(options, metadata, seconds)
        except TooManyAttempts as refusal:
            raise too_many(refusal.wait) from refusal
        return Answer(answer.to_json())


def _tried(options: dict[str, Any], metadata: dict[str, Any], seconds: float) -> test_run.Answer:
    if "target_url" in options:
        return test_run.webhook({**options, "method": "POST", "body": metadata}, {}, seconds)
    ref = str(metadata.get("ref") or metadata.get("branch") or "main")
    return test_run.github(options, metadata, ref, seconds)


def _metadata(value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ApiError(400, "Invalid metadata", "The metadata must be a JSON object.")
    return value or {}


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"Invalid {key}", f"{key} must be a text.")
    return (value or "").strip()


def _seconds(value: Any) -> float:
    if value is None:
        return test_run.SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ApiError(400, "Invalid timeout_seconds", "Write a number of seconds from 1 to 30.")
    return min(max(float(value), 1.0), test_run.MOST_SECONDS)


def _options(target: dict[str, str]) -> dict[str, Any]:
    """What is to be called; which address may be, the call itself decides."""
    if url := target["target_url"]:
        if not url.lower().startswith(("http://", "https://")):
            raise ApiError(400, "Invalid target_url", "Only http and https URLs can be called.")
        return {"target_url": url}
    github = {name: target[key] for key, name in GITHUB_KEYS.items()}
    if not all(github.values()):
        text = "Give target_url, or github_owner, github_repo and github_workflow_name."
        raise ApiError(400, "Missing target configuration", text)
    try:
        return clean_options(Job.Kind.GITHUB_ACTIONS, github)
    except ValidationError as error:
        field, texts = next(iter(error.message_dict.items()))
        raise ApiError(400, OPTION_LABELS.get(field, "Invalid options"), texts[0]) from error
