"""From a Spec to what GitHub is asked, and from its answers to what they mean: pure functions.

Sources: the pages "Workflows", "Workflow runs" and "Rate limits for the REST API" of GitHub's REST reference, and
section 6 of the wire facts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from scheduler_site.lib.text import unseen

from ..base import Outcome, Spec
from ..webhook.request import MAX_RETRY_AFTER

MAX_INPUTS = 25  # the most that a workflow may declare; older servers take 10, and say so themselves
MAX_LINK = 500  # characters
DEFAULT_REF = "master"
SECONDARY_LIMIT_PAUSE = 60.0  # seconds: what GitHub asks for where its answer names no time
WENT_WELL = frozenset({"success", "neutral", "skipped"})
TRANSIENT = frozenset({408, 425})

_TOKEN = re.compile(r"[!-~]{1,1000}")


class Unsendable(ValueError):
    """The dispatch cannot be made as the job wants it; the text says why."""


@dataclass(frozen=True)
class Workflow:
    """Which one; `name` is its file name or number."""

    owner: str
    repo: str
    name: str

    @property
    def target(self) -> str:
        return f"{self.owner}/{self.repo}/{self.name}"

    @property
    def repository(self) -> str:
        return f"/repos/{quote(self.owner, safe='')}/{quote(self.repo, safe='')}"

    @property
    def path(self) -> str:
        return f"{self.repository}/actions/workflows/{quote(self.name, safe='')}"

    def other_names(self) -> list[Workflow]:
        """What to try when there is no workflow of this name: old clients leave the extension out."""
        if self.name.isdecimal() or self.name.endswith((".yml", ".yaml")):
            return []
        return [replace(self, name=self.name + extension) for extension in (".yml", ".yaml")]


@dataclass(frozen=True)
class DispatchRequest:
    """What is to be started."""

    workflow: Workflow
    ref: str
    inputs: dict[str, str]

    @property
    def branch(self) -> str:
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


@dataclass(frozen=True)
class WorkflowRun:
    """A run on GitHub as far as it is known; `url` is its page, empty when that is not a safe link."""

    id: int
    path: str
    url: str = ""
    status: str = ""
    conclusion: str = ""

    @property
    def has_ended(self) -> bool:
        return self.status == "completed"

    def seen(self, data: Mapping[str, Any]) -> WorkflowRun:
        """The run after an answer that describes it."""
        return replace(
            self,
            url=safe_link(data.get("html_url")) or self.url,
            status=_word(data.get("status")),
            conclusion=_word(data.get("conclusion")),
        )

    def result(self) -> str:
        """The JSON that is kept with the run, for pages and programs."""
        found = {"run_id": self.id, "conclusion": self.conclusion or None, "html_url": self.url or None}
        return json.dumps(found)


@dataclass(frozen=True)
class Answer:
    """An answer of the API; names of headers are in lower case, `data` is {} when the body is no JSON object."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def problem(self) -> str:
        """The status, with GitHub's own words where it has any."""
        words = self.data.get("message")
        told = f": {words[:300]}" if isinstance(words, str) and words else ""
        return f"GitHub returned status {self.status}{told}"


def order(spec: Spec) -> DispatchRequest:
    """What a run is to start; raises Unsendable."""
    workflow = Workflow(*(str(spec.options.get(name, "")) for name in ("owner", "repo", "workflow")))
    branch = spec.metadata.get("branchDetails") or spec.options.get("ref") or DEFAULT_REF
    ref = as_text(branch)
    if ref.startswith("-") or unseen(ref):
        raise Unsendable("branchDetails is not the name of a branch or tag.")
    return DispatchRequest(workflow, ref, inputs(spec.metadata))


def inputs(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The whole metadata as inputs, which are texts; raises Unsendable when there are too many."""
    if len(metadata) > MAX_INPUTS:
        text = f"A workflow takes at most {MAX_INPUTS} inputs, and the metadata have {len(metadata)}."
        raise Unsendable(text)
    return {name: as_text(value) for name, value in metadata.items()}


def as_text(value: Any) -> str:
    """Texts as they are, nothing for null, everything else as JSON writes it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def token_of(spec: Spec) -> str:
    """The job's own token, else that of the settings; raises Unsendable when there is none that can be sent."""
    return checked_token(spec.secrets.get("github_token") or settings.GITHUB_TOKEN)


def checked_token(token: str) -> str:
    """The token without blanks around it. Raises Unsendable for none, and for one that no header can carry."""
    token = token.strip()
    if not token:
        raise Unsendable("There is no GitHub token: give the job a secret github_token, or set GITHUB_TOKEN.")
    if not _TOKEN.fullmatch(token):
        raise Unsendable("The GitHub token has characters that cannot be sent.")
    return token


def started(workflow: Workflow, data: Mapping[str, Any], key: str = "workflow_run_id") -> WorkflowRun | None:
    """The run that an answer names under `key`; None when it names none."""
    number = data.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return None
    path = f"{workflow.repository}/actions/runs/{number}"
    return WorkflowRun(number, path).seen(data)


def safe_link(url: Any) -> str:
    """The URL if a page may link it, else an empty text."""
    if not isinstance(url, str) or len(url) > MAX_LINK or re.search(r"[\x00-\x20\x7f\"'<>\\]", url):
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return url if usable else ""


def limited(answer: Answer, now: float) -> float | None:
    """Seconds to wait when a rate limit was met, at most an hour; None for every other answer. `now`: Unix time."""
    if answer.status not in (403, 429):
        return None
    if (seconds := _number(answer.headers.get("retry-after"))) is not None:
        return min(seconds, MAX_RETRY_AFTER)
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return min(max(reset - now, 1.0), MAX_RETRY_AFTER)
    if answer.status == 429 or "rate limit" in answer.problem.lower():
        return SECONDARY_LIMIT_PAUSE
    return None


def refused(answer: Answer, now: float) -> Outcome:
    """The outcome of a dispatch that was not accepted: only what may pass by itself is worth another attempt."""
    wait = limited(answer, now)
    passing = wait is not None or answer.status >= 500 or answer.status in TRANSIENT
    if passing and wait is None:
        wait = _number(answer.headers.get("retry-after"))
    return Outcome(
        "failed",
        answer.problem,
        response_status=answer.status,
        output=answer.text,
        retryable=passing,
        retry_after=None if wait is None else min(wait, MAX_RETRY_AFTER),
    )


def concluded(run: WorkflowRun) -> Outcome:
    """The outcome of a workflow run that has ended."""
    if run.conclusion in WENT_WELL:
        return Outcome("success", result=run.result())
    message = f"The workflow ended with the conclusion {run.conclusion or 'unknown'}"
    return Outcome("failed", message, result=run.result())


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _word(value: Any) -> str:
    return value[:50] if isinstance(value, str) else ""
