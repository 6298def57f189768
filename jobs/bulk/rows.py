"""One row as the JSON body of a job, and what is wrong with it: labels and their order as in the wire facts, section 7."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from jobs.bulk.table import Row
from jobs.forms.errors import Fault
from jobs.forms.targets import GITHUB_KEYS, dispatched
from jobs.models import Job
from jobs.models.fields import PLAIN, JobField
from jobs.models.shapes import shape_of
from jobs.rest import payloads
from jobs.verbs import Draft
from scheduler_site.lib import strict_json

ON = frozenset({"enable", "enabled", "active", "true", "1", "yes", "y", "on"})
OFF = frozenset({"disable", "disabled", "inactive", "false", "0", "no", "n", "off"})
# First what belongs to the row alone; then the fields of the job form.
ORDER = (
    *("ragged", "dispatch", "category", "end_date", "team", "required", "twice", "name", "description"),
    *("expression", "schedule", "schedule_kind", "metadata", "owner", "right", "options", "arguments"),
    "environment",
)


class Judged(NamedTuple):
    """A row after all checks: the draft of its job, or the first fault."""

    draft: Draft | None
    fault: Fault | None
    active: bool


def judge(row: Row, user: User, *, default_owner: str, seen: set[str]) -> Judged:
    """Checks a row by the rules of the job form; adds its name to those `seen` in the file."""
    faults: dict[str, Fault] = {}
    if row.ragged:
        faults["ragged"] = Fault("Invalid row", row.ragged)
    body = _body(row.cells, default_owner, faults)
    name = row.cells.get("name", "")
    if not name or "cron" not in row.cells:
        faults["required"] = Fault("Missing required fields", _("A job needs a name and a cron expression."))
    elif name in seen:
        faults["twice"] = Fault("Duplicate job name in CSV", _("An earlier row has the same name."))
    seen.add(name)
    try:
        form, found = payloads.examined(body, user)
    except PermissionDenied as refusal:
        # A script without the right to run code: of other rows that says nothing.
        faults["right"] = Fault(payloads.NO_RIGHT, str(refusal))
        return Judged(None, payloads.first_fault(faults, ORDER), False)
    # The row knows better why a target or the metadata are missing.
    faults = found | faults
    if faults:
        return Judged(None, payloads.first_fault(faults, ORDER), False)
    return Judged(form.draft(), None, row.cells.get("active", "").lower() not in OFF)


def _body(cells: Mapping[str, str], default_owner: str, faults: dict[str, Fault]) -> dict[str, Any]:
    keys = {"cron": "cron_expression", "category": "category", "team": "pic_team"}
    body: dict[str, Any] = {key: cells[field] for field, key in keys.items() if field in cells}
    body |= {field.name: _typed(field, cells[field.name]) for field in PLAIN if field.name in cells}
    body["end_date"] = cells.get("end_date", "")
    body["metadata"] = _metadata(cells, faults)
    return body | (_script(cells, faults) or _target(cells, default_owner, faults))


def _typed(field: JobField, text: str) -> Any:
    """The cell of a field as JSON has it; what is no such value stays a text, which is refused with the field's name."""
    shape = shape_of(field)
    if shape == "number" and re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    if shape == "flag" and text.lower() in ON | OFF:
        return text.lower() in ON
    return text


def _script(cells: Mapping[str, str], faults: dict[str, Fault]) -> dict[str, Any]:
    """A script by its text or its path goes before every address; without either, nothing."""
    given = {"script": cells.get("script"), "path": cells.get("script_path")}
    options: dict[str, Any] = {name: value for name, value in given.items() if value}
    if not options:
        return {}
    if "arguments" in cells:
        options["arguments"] = _arguments(cells["arguments"], faults)
    environment = {"environment": cells["environment"]} if "environment" in cells else {}
    return {"kind": Job.Kind.SCRIPT, "options": options} | environment


def _arguments(text: str, faults: dict[str, Fault]) -> list[Any]:
    try:
        value = strict_json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, list):
        return value
    faults["arguments"] = Fault("Invalid arguments", _("Write the arguments as a JSON list of texts."))
    return []


def _metadata(cells: Mapping[str, str], faults: dict[str, Fault]) -> dict[str, Any]:
    try:
        value = strict_json.loads(cells.get("metadata", "{}"))
    except ValueError as error:
        faults["metadata"] = Fault("Invalid JSON in Request Body", str(error))
        return {}
    if not isinstance(value, dict):
        faults["metadata"] = Fault("Invalid Request Body", _("The metadata must be a JSON object."))
        return {}
    branch = {"branchDetails": cells["branch"]} if "branch" in cells else {}
    return branch | value


def _target(cells: Mapping[str, str], default_owner: str, faults: dict[str, Fault]) -> dict[str, str]:
    """The dispatch address goes before the target URL, and that before the three GitHub columns."""
    if "dispatch" in cells:
        parts = dispatched(cells["dispatch"])
        if parts is None:
            text = _("Write owner/repo/workflow, or the address of a workflow on GitHub.")
            faults["dispatch"] = Fault("Invalid dispatch_url", text)
        return dict(zip(GITHUB_KEYS, parts or (), strict=False))
    if "target_url" in cells:
        return {"target_url": cells["target_url"]}
    prefix, _slash, repo = cells.get("repo", "").rpartition("/")
    owner = cells.get("owner") or prefix or default_owner or settings.DEFAULT_GITHUB_OWNER
    trio = {"owner": owner, "repo": repo, "workflow": cells.get("workflow", "")}
    if repo and trio["workflow"] and not owner:
        faults["owner"] = Fault("Missing GitHub owner", _("Name the owner of the repository."))
    return {key: trio[name] for key, name in GITHUB_KEYS.items() if trio[name]}
