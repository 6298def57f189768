"""What a request to run a job may change for that one run (wire facts, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from executions.ledger.limits.holds import may_override
from jobs import quotas
from jobs.changes import secret_targets
from jobs.forms.targets import GITHUB_KEYS, dispatched
from jobs.models import Job
from jobs.runners import clean_options
from jobs.runners.github_actions.request import Unsendable, checked_token
from scheduler_site.lib import credentials
from scheduler_site.rest.parameters import Seconds
from scheduler_site.rest.schema_types import Rules
from scheduler_site.rest.views import ApiError

WAIT = Seconds("wait", "The same as in the body.")
# Old clients expect the answer of a call in the answer to their request.
DEFAULT_WAIT = 15.0
# Of a workflow they expect no more than that it was started; whether it was is known by then.
DISPATCH_WAIT = 5.0


class Overrides(TypedDict, total=False):
    """What is different this time; blank texts and null leave what is stored."""

    metadata: Annotated[dict[str, Any] | None, "Instead of the job's metadata."]
    target_url: Annotated[str | None, "Instead of the webhook's address."]
    dispatch_url: Annotated[str | None, "Another workflow: its address on GitHub, or `owner/repo/workflow`."]
    github_owner: Annotated[str | None, "Another owner."]
    github_repo: Annotated[str | None, "Another repository."]
    github_workflow_name: Annotated[str | None, "Another workflow."]
    github_token: Annotated[
        str | None,
        "Another token. It is kept encrypted, shown to nobody, and forgotten when the run has ended.",
        Rules(writeOnly=True),
    ]
    override_hold: Annotated[bool | None, "For administrators: starts it although starts are held."]
    wait: Annotated[float | None, "Seconds to wait for the end.", Rules(minimum=0, maximum=WAIT.high)]


def overrides(job: Job, body: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides of `launch.launch`; blank texts and null leave what is stored. 400 for what cannot be."""
    found: dict[str, Any] = {}
    if (metadata := body.get("metadata")) is not None:
        if not isinstance(metadata, dict):
            raise _invalid(_("metadata must be an object."))
        if problem := quotas.too_large("metadata", metadata):
            raise _invalid(f"metadata: {problem}")
        found["metadata"] = metadata
    changed = _webhook(body) if job.kind == Job.Kind.WEBHOOK else {}
    if job.kind == Job.Kind.GITHUB_ACTIONS:
        changed = _github(body)
        if token := _token(body):
            found["secrets"] = {"github_token": token}
    if changed:
        found["options"] = _checked(job, changed)
    return _without_masks(job, found)


def _without_masks(job: Job, found: dict[str, Any]) -> dict[str, Any]:
    """With what is stored where a mask came back, if the run goes where the job does. 400 for any other mask."""
    same = secret_targets.audience(
        job.kind, {**job.options, **found.get("options", {})}
    ) == secret_targets.audience(job.kind, job.options)
    for name, stored in (("metadata", job.metadata), ("options", job.options)):
        if name in found:
            found[name] = credentials.unmasked(found[name], stored) if same else found[name]
            if left := credentials.masks_left(found[name]):
                raise _invalid(
                    _("%(path)s: this stands for a hidden value. Write the value itself.") % {"path": left[0]}
                )
    return found


def despite_hold(body: Mapping[str, Any], user: User) -> bool:
    """Whether the run is to start although starts are held: `override_hold`. 400; 403 for who may not hold them."""
    value = body.get("override_hold")
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ApiError(400, "Invalid override_hold", "Write true or false.")
    if value and not may_override(user):
        raise ApiError(403, "Insufficient permissions", "Only administrators start runs in spite of a hold.")
    return value


def seconds_to_wait(job: Job, body: Mapping[str, Any], params: Mapping[str, Any]) -> float:
    """How long the answer may wait for the end of the run: `wait` in the body or the query, 0 to 60. 400."""
    value = body.get(WAIT.name, params.get(WAIT.name))
    if value is None:
        usual = DISPATCH_WAIT if job.kind == Job.Kind.GITHUB_ACTIONS else DEFAULT_WAIT
        return 0.0 if job.is_code else usual
    return WAIT.read(value)


def _webhook(body: Mapping[str, Any]) -> dict[str, str]:
    url = _text(body, "target_url")
    return {"target_url": url} if url else {}


def _github(body: Mapping[str, Any]) -> dict[str, str]:
    """Owner, repo and workflow; what is named explicitly wins over the address."""
    found: dict[str, str] = {}
    if address := _text(body, "dispatch_url"):
        parts = dispatched(address)
        if parts is None:
            raise _invalid(_("dispatch_url must name owner, repository and workflow."))
        found = dict(zip(GITHUB_KEYS.values(), parts, strict=True))
    named = {name: _text(body, key) for key, name in GITHUB_KEYS.items()}
    return found | {name: text for name, text in named.items() if text}


def _token(body: Mapping[str, Any]) -> str:
    """The token to be used for this run only; what is refused is not repeated in the answer."""
    token = _text(body, "github_token")
    try:
        return checked_token(token) if token else ""
    except Unsendable as problem:
        raise ApiError(400, "Invalid github_token", str(problem)) from problem


def _checked(job: Job, changed: Mapping[str, str]) -> dict[str, str]:
    """The changed options after the form of their kind has seen them: the address rule holds here as it does at save."""
    try:
        cleaned = clean_options(job.kind, {**job.options, **changed})
    except ValidationError as error:
        labels = {name: key for key, name in GITHUB_KEYS.items()} | {"target_url": "target_url"}
        name, reasons = next(iter(error.message_dict.items()))
        raise ApiError(400, f"Invalid {labels.get(name, 'options')}", " ".join(reasons)) from error
    return {name: cleaned[name] for name in changed}


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise _invalid(_("%(name)s must be a text.") % {"name": key})
    return (value or "").strip()


def _invalid(message: str) -> ApiError:
    return ApiError(400, "Invalid payload", message)
