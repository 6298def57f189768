"""Two people edit one job: what the other one saved meanwhile, field by field, and the choice between the two.

Three states are compared: what the form was filled from, what is stored now, and what was entered. A field that only one of the
two changed is no question. Nothing is saved before each of the others was chosen.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from accounts.models import User
from audit.diff import Value
from audit.models import Entry
from jobs.changes import snapshots
from jobs.forms.timing import SCHEDULE_OF, schedule_data
from jobs.models import Job
from jobs.models.column_types import column_of
from jobs.models.stored_schedule import Timing
from jobs.runners import RUNNERS
from jobs.verbs import JobChanges

MINE, THEIRS = "mine", "theirs"
# An entry of the trail is written in the transaction of its change, at about the time that the job has it.
NEAR = dt.timedelta(seconds=5)


@dataclass(frozen=True)
class Row:
    """A field that somebody else changed. `chosen` is empty where both changed it and nobody has decided yet."""

    name: str
    label: str
    theirs: Value
    mine: Value
    chosen: str


def rows(job: Job, changes: JobChanges, version: str, choices: Mapping[str, str], user: User) -> list[Row]:
    """What is different between `job` as it is now and changes whose form was filled from its `version`."""
    before, theirs = _before(job, version), _flat(_stored(job))
    mine = _flat(_stored(job) | _entered(changes))
    found = []
    for name in {**theirs, **mine}:
        old, stored, entered = (state.get(name) for state in (before, theirs, mine))
        if stored == entered or (before and old == stored):
            continue
        usual = THEIRS if before and old == entered else ""
        chosen = choices.get(f"choice-{name}", usual)
        chosen = chosen if chosen in (MINE, THEIRS) else ""
        if name == "depends_on":
            stored, entered = _named(stored or [], user), _named(entered or [], user)
        found.append(Row(name, _label(job, name), Value.of(stored), Value.of(entered), chosen))
    return found


def settled(job: Job, changes: JobChanges, decided: list[Row]) -> JobChanges:
    """The changes, without what is to stay as the other one saved it."""
    values, theirs = dict(changes.values), {row.name for row in decided if row.chosen == THEIRS}
    for name in theirs:
        option = name.removeprefix("options.")
        if option == name:
            values.pop(name, None)
        else:
            values["options"] = {key: value for key, value in values["options"].items() if key != option}
            if option in job.options:
                values["options"][option] = job.options[option]
    timing = None if "schedule" in theirs else changes.timing
    return replace(
        changes,
        values=values,
        timing=timing,
        depends_on=None if "depends_on" in theirs else changes.depends_on,
    )


def _named(edges: list[str], user: User) -> list[str]:
    """With the names of jobs that the reader may see."""
    uids = [edge.partition(" ")[0] for edge in edges]
    seen = Job.objects.visible_to(user).filter(uid__in=uids).values_list("uid", "name")
    names = {str(uid): name for uid, name in seen}
    return [
        f"{names.get(uid, uid)} ({edge.partition(' ')[2]})" for uid, edge in zip(uids, edges, strict=True)
    ]


def _before(job: Job, version: str) -> dict[str, Any]:
    """The version that the form was filled from; nothing where it is not on record any more."""
    try:
        read = dt.datetime.fromisoformat(version)
        near = Entry.objects.versions(job.uid).filter(at__range=(read - NEAR, read + NEAR))
    except (ValueError, TypeError, OverflowError):
        return {}
    entry = min(near, key=lambda one: abs(one.at - read), default=None)
    if entry is None or entry.snapshot is None:
        return {}
    timing = Timing.from_json(entry.snapshot["schedule"])
    return _flat(entry.snapshot | {"schedule": _schedule(timing)})


def _stored(job: Job) -> dict[str, Any]:
    return snapshots.snapshot(job) | {"schedule": _schedule(job.timing)}


def _entered(changes: JobChanges) -> dict[str, Any]:
    found = {
        name: snapshots.reference_to(value) if column_of(name).is_relation else value
        for name, value in changes.values.items()
    }
    if changes.timing is not None:
        found["schedule"] = _schedule(changes.timing)
    if changes.depends_on is not None:
        uids = dict(
            Job.objects.filter(pk__in=[edge.after for edge in changes.depends_on]).values_list("pk", "uid")
        )
        found["depends_on"] = [
            {"job": str(uids.get(edge.after)), "on": edge.on} for edge in changes.depends_on
        ]
    return found


def _schedule(timing: Timing) -> dict[str, Any]:
    """What people see of it."""
    data = schedule_data(timing)
    return {name: data.get(name) for name in ("schedule_kind", *SCHEDULE_OF[timing.kind])}


def _flat(state: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it, with each option on its own; secrets are not compared, for nobody sees them."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(state), cls=DjangoJSONEncoder))
    plain.pop("secrets", None)
    edges = plain.get("depends_on") or []
    plain["depends_on"] = sorted(f"{edge['job']} {edge['on']}" for edge in edges)
    return dict(_parts(plain))


def _parts(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in state.items():
        if name == "options":
            yield from ((f"options.{option}", part) for option, part in value.items())
        else:
            yield name, value


def _label(job: Job, name: str) -> str:
    match name.partition("."):
        case ("options", _dot, option):
            field = RUNNERS[job.kind].options_form.base_fields.get(option) if job.kind in RUNNERS else None
            return str(field.label) if field else option
        case ("schedule", *_rest):
            return _("Schedule")
        case ("depends_on", *_rest):
            return _("Upstream jobs")
    return str(column_of(name).verbose_name)
