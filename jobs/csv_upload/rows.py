"""One row as the JSON body of a job, and what is wrong with it: labels and their order as in the wire facts, section 7."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from jobs.csv_upload.table import Row
from jobs.forms.errors import FieldError
from jobs.forms.targets import GITHUB_KEYS, dispatched
from jobs.forms.timing import SCHEDULE, SCHEDULE_OF
from jobs.models import Job
from jobs.models.column_types import shape_of
from jobs.models.fields import PLAIN, JobField
from jobs.rest import validation
from jobs.verbs import JobChanges
from scheduler_site.lib import clock, strict_json

ON = frozenset({"enable", "enabled", "active", "true", "1", "yes", "y", "on"})
OFF = frozenset({"disable", "disabled", "inactive", "false", "0", "no", "n", "off"})
# Columns that say what a job does, those that go before others first.
TARGETS = (("job_class",), ("script", "script_path"), ("dispatch",), ("target_url",), ("repo", "workflow"))
# First what belongs to the row alone; then the fields of the job form.
ORDER = (
    *("ragged", "dispatch", "category", "end_date", "team", "required", "twice", "name", "description"),
    *("expression", "schedule", "schedule_kind", "metadata", "owner", "right", "options", "arguments"),
    "environment",
)


class Judged(NamedTuple):
    """A row after all checks: the values of its job, or the first error."""

    changes: JobChanges | None
    error: FieldError | None
    active: bool


def judge(row: Row, user: User, *, default_owner: str, seen: set[str]) -> Judged:
    """Checks a row by the rules of the job form; adds its name to those `seen` in the file."""
    errors: dict[str, FieldError] = {}
    if row.ragged:
        errors["ragged"] = FieldError("Invalid row", row.ragged)
    body = _body(row.cells, default_owner, errors)
    name = row.cells.get("name", "")
    if not name or not any(key in row.cells for key in ("cron", "every", "at", "schedule_kind")):
        errors["required"] = FieldError(
            "Missing required fields", _("A job needs a name and a cron expression.")
        )
    elif name in seen:
        errors["twice"] = FieldError("Duplicate job name in CSV", _("An earlier row has the same name."))
    seen.add(name)
    try:
        form, found = validation.examined(body, user)
    except PermissionDenied as refusal:
        # A script without the right to run code: of other rows that says nothing.
        errors["right"] = FieldError(validation.NO_RIGHT, str(refusal))
        return Judged(None, validation.first_error(errors, ORDER), False)
    # The row knows better why a target or the metadata are missing.
    errors = found | errors
    if errors:
        return Judged(None, validation.first_error(errors, ORDER), False)
    return Judged(form.changes(), None, row.cells.get("active", "").lower() not in OFF)


def unused(cells: Mapping[str, str], changes: JobChanges) -> Iterator[str]:
    """What of a row is read and has no effect on its job, in words."""
    targets = [[name for name in group if name in cells] for group in TARGETS]
    given = [group for group in targets if group]
    for name in (name for group in given[1:] for name in group):
        yield _("the column of %(name)s is not used, another one says what the job does.") % {"name": name}
    kind = changes.values["kind"]
    others = [name for name in ("environment", "arguments") if name in cells and kind not in Job.CODE_KINDS]
    others += [
        name for name in ("notify_on_success",) if name in cells and "notification_emails" not in cells
    ]
    timing = changes.timing
    if timing is not None:
        parts = SCHEDULE_OF[timing.kind]
        others += [name for name in SCHEDULE if name in cells and name not in parts]
    for name in others:
        yield _("the column of %(name)s has no effect on this job.") % {"name": name}
    for name in ("active", "notify_on_success"):
        if name in cells and cells[name].lower() not in ON | OFF:
            # What else there may be means yes in one column and no in the other (wire facts, section 7).
            yield _("“%(text)s” in the column of %(name)s is neither yes nor no.") % {
                "text": cells[name][:100],
                "name": name,
            }
    if timing is not None and timing.enabled and timing.kind != "none":
        schedule = timing.schedule(changes.values["end_date"])
        if schedule is None or schedule.next_after(clock.now()) is None:
            yield _("the job will not run: it has no due time until its end date.")


def _body(cells: Mapping[str, str], default_owner: str, errors: dict[str, FieldError]) -> dict[str, Any]:
    keys = {"cron": "cron_expression", "category": "category", "team": "pic_team"}
    body: dict[str, Any] = {key: cells[field] for field, key in keys.items() if field in cells}
    body |= {field.name: _typed(field, cells[field.name]) for field in PLAIN if field.name in cells}
    body["end_date"] = cells.get("end_date", "")
    body["metadata"] = _metadata(cells, errors)
    body |= {key: cells[key] for key in ("timezone", "day_rule", "period", "at") if key in cells}
    if "every" in cells:
        body["every"] = int(cells["every"]) if re.fullmatch(r"[0-9]{1,9}", cells["every"]) else cells["every"]
    if "schedule_kind" in cells:
        body["schedule_kind"] = cells["schedule_kind"].lower()
    elif "cron" not in cells:
        body["schedule_kind"] = "interval" if "every" in cells else "once"
    return body | _mail(cells) | _kind(cells, default_owner, errors)


def _mail(cells: Mapping[str, str]) -> dict[str, Any]:
    """Who gets mail is who is named; nobody, without the column."""
    if "notification_emails" not in cells:
        return {}
    addresses = [text for text in re.split(r"[\s,;]+", cells["notification_emails"]) if text]
    success = cells.get("notify_on_success", "").lower() in ON
    return {
        "enable_email_notifications": True,
        "notification_emails": addresses,
        "notify_on_success": success,
    }


def _kind(cells: Mapping[str, str], default_owner: str, errors: dict[str, FieldError]) -> dict[str, Any]:
    """What the job does: by its kind and options where they are given, else by the columns of a script, a class or a target."""
    named = {"kind": cells["kind"].lower().replace(" ", "_")} if "kind" in cells else {}
    if "job_class" in cells:
        args = {"args": _arguments(cells["arguments"], errors)} if "arguments" in cells else {}
        found: dict[str, Any] = {
            "kind": Job.Kind.PYTHON_CLASS,
            "options": {"job_class": cells["job_class"]} | args,
        }
    else:
        found = _script(cells, errors) or _target(cells, default_owner, errors)
    if "options" in cells:
        try:
            options = strict_json.loads_once(cells["options"])
        except ValueError as error:
            errors["options"] = FieldError("Invalid options", str(error))
        else:
            known = found.get("options", {})
            found["options"] = known | options if isinstance(options, dict) else options
    return named | found


def _typed(field: JobField, text: str) -> Any:
    """The cell of a field as JSON has it; what is no such value stays a text, which is refused with the field's name."""
    shape = shape_of(field)
    if shape == "number" and re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    if shape == "flag" and text.lower() in ON | OFF:
        return text.lower() in ON
    return text


def _script(cells: Mapping[str, str], errors: dict[str, FieldError]) -> dict[str, Any]:
    """A script by its text or its path goes before every address; without either, nothing."""
    given = {"script": cells.get("script"), "path": cells.get("script_path")}
    options: dict[str, Any] = {name: value for name, value in given.items() if value}
    if not options:
        return {}
    if "arguments" in cells:
        options["arguments"] = _arguments(cells["arguments"], errors)
    environment = {"environment": cells["environment"]} if "environment" in cells else {}
    return {"kind": Job.Kind.SCRIPT, "options": options} | environment


def _arguments(text: str, errors: dict[str, FieldError]) -> list[Any]:
    try:
        value = strict_json.loads_once(text)
    except ValueError:
        value = None
    if isinstance(value, list):
        return value
    errors["arguments"] = FieldError("Invalid arguments", _("Write the arguments as a JSON list of texts."))
    return []


def _metadata(cells: Mapping[str, str], errors: dict[str, FieldError]) -> dict[str, Any]:
    try:
        value = strict_json.loads_once(cells.get("metadata", "{}"))
    except ValueError as error:
        errors["metadata"] = FieldError("Invalid JSON in Request Body", str(error))
        return {}
    if not isinstance(value, dict):
        errors["metadata"] = FieldError("Invalid Request Body", _("The metadata must be a JSON object."))
        return {}
    branch = {"branchDetails": cells["branch"]} if "branch" in cells else {}
    return branch | value


def _target(cells: Mapping[str, str], default_owner: str, errors: dict[str, FieldError]) -> dict[str, str]:
    """The dispatch address goes before the target URL, and that before the three GitHub columns."""
    if "dispatch" in cells:
        parts = dispatched(cells["dispatch"])
        if parts is None:
            text = _("Write owner/repo/workflow, or the address of a workflow on GitHub.")
            errors["dispatch"] = FieldError("Invalid dispatch_url", text)
        return dict(zip(GITHUB_KEYS, parts or (), strict=False))
    if "target_url" in cells:
        return {"target_url": cells["target_url"]}
    prefix, _slash, repo = cells.get("repo", "").rpartition("/")
    owner = cells.get("owner") or prefix or default_owner or settings.DEFAULT_GITHUB_OWNER
    trio = {"owner": owner, "repo": repo, "workflow": cells.get("workflow", "")}
    if repo and trio["workflow"] and not owner:
        errors["owner"] = FieldError("Missing GitHub owner", _("Name the owner of the repository."))
    return {key: trio[name] for key, name in GITHUB_KEYS.items() if trio[name]}
