"""Opens, counts and closes incidents. There is at most one open incident for each subject and kind.

Called in the transaction of what happened, by any worker: executions/alerting/incident_triggers.py and
executions/upkeep/conditions.py decide. Each step is a conditional UPDATE or an INSERT under a unique key: of two workers at
once one opens, the other counts; a transaction that does not commit leaves nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, Q, When

from incidents.models import CLOSED, Incident
from incidents.models.incident import LONGEST_ERROR
from incidents.notify import tell_recovered
from notifications.messages import one_line
from scheduler_site.lib.text import storable

Kind = Incident.Kind
# An incident that was opened this often within this time is flapping.
FLAPPING_OPENINGS, FLAPPING_WINDOW = 4, dt.timedelta(hours=12)
# A flapping incident is closed after this long without an occurrence, and after this many good runs.
CALM, CALM_RUNS = dt.timedelta(minutes=30), 3
# Between a look and an INSERT somebody else may open or close the same: a few such turns happen, many do not.
TRIES = 5
BATCH = 200


@dataclass(frozen=True)
class Subject:
    """What an incident keeps of its job; empty for incidents of the system itself."""

    uid: uuid.UUID | None = None
    name: str = ""
    category_id: int | None = None
    team_id: int | None = None
    owner_id: int | None = None

    def columns(self) -> dict[str, Any]:
        return {
            "job_name": self.name,
            "category_id": self.category_id,
            "team_id": self.team_id,
            "owner_id": self.owner_id,
        }


@dataclass(frozen=True)
class Problem:
    """Something that is wrong. `since`: when it began; `run`: in which run it was seen."""

    kind: Kind
    subject: str
    since: dt.datetime
    job: Subject = Subject()
    run: uuid.UUID | None = None
    error: str = ""
    times: int = 1

    @property
    def key(self) -> str:
        return open_key(self.subject, self.kind)


def open_key(subject: str, kind: str) -> str:
    return f"{subject}:{kind}"


class NotSettled(RuntimeError):
    """Others opened and closed the same incident during every attempt."""


def report_problem(trouble: Problem, now: dt.datetime) -> Incident:
    """Opens an incident for this problem, or counts it in the open one; returns the incident."""
    return report_problems([trouble], now)[trouble.key]


def report_problems(troubles: Iterable[Problem], now: dt.datetime) -> dict[str, Incident]:
    """The same for many problems in a fixed number of statements, by key; rows are locked in the order of the keys."""
    waiting = {trouble.key: trouble for trouble in sorted(troubles, key=lambda one: one.key)}
    found: dict[str, Incident] = {}
    for _attempt in range(TRIES):
        known = _known(waiting.values(), now)
        found |= _counted(waiting, known, now)
        waiting = {key: one for key, one in waiting.items() if key not in found}
        # Somebody else's is left alone: it is counted in the next turn.
        found |= _open_all(waiting, known, now) if waiting else {}
        waiting = {key: one for key, one in waiting.items() if key not in found}
        if not waiting:
            return found
    raise NotSettled(", ".join(waiting))


def _known(troubles: Iterable[Problem], now: dt.datetime) -> list[Incident]:
    """Those of the same subjects that are open, or were opened lately."""
    mine = Incident.objects.filter(subject__in={trouble.subject for trouble in troubles})
    rows = mine.filter(Q(open_key__isnull=False) | Q(opened_at__gt=now - FLAPPING_WINDOW))
    return list(rows.select_related("team").order_by("open_key"))


def _counted(
    troubles: Mapping[str, Problem], known: Iterable[Incident], now: dt.datetime
) -> dict[str, Incident]:
    """Those that are open, each with one more; without those that somebody has closed at this moment."""
    found: dict[str, Incident] = {}
    for row in known:
        if (trouble := troubles.get(row.open_key or "")) is None:
            continue
        again = row.last_run is not None and row.last_run == trouble.run
        if Incident.objects.filter(pk=row.pk, open_key=trouble.key).update(**_once_more(trouble, now)):
            row.count += 0 if again else trouble.times
            row.last_run, row.last_at = trouble.run or row.last_run, now
            found[trouble.key] = row
    return found


def _open_all(
    troubles: Mapping[str, Problem], known: Iterable[Incident], now: dt.datetime
) -> dict[str, Incident]:
    """Those of them that are opened by this; not those that somebody else opens at this moment."""
    openings = Counter(
        open_key(one.subject, one.kind) for one in known if one.opened_at > now - FLAPPING_WINDOW
    )
    rows = [
        _opened(trouble, now, flapping=openings[key] >= FLAPPING_OPENINGS - 1)
        for key, trouble in troubles.items()
    ]
    Incident.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
    mine = Incident.objects.filter(uid__in=[row.uid for row in rows]).select_related("team")
    return {row.open_key or "": row for row in mine}


def recover(incident: Incident, now: dt.datetime, *, tell: bool = True) -> bool:
    """Closes it because all is well again, if nothing has happened since it was read; tells those who heard of it."""
    unchanged = Incident.objects.filter(pk=incident.pk, open_key=incident.open_key, count=incident.count)
    if not unchanged.update(**CLOSED, closed_at=now, ending=Incident.Ending.RECOVERED):
        return False
    incident.closed_at = now
    if tell:
        tell_recovered(incident, now)
    return True


def close_unwatched(
    subjects: Iterable[str], kinds: Iterable[str], ending: Incident.Ending, now: dt.datetime
) -> int:
    """Closes incidents without a message: the job was deleted, or the condition is no longer checked."""
    keys = [open_key(subject, kind) for subject in subjects for kind in kinds]
    closed = 0
    for incident in Incident.objects.filter(open_key__in=keys):
        mine = Incident.objects.open().filter(pk=incident.pk)
        closed += mine.update(**CLOSED, closed_at=now, ending=ending)
    return closed


def update_subject(job: Subject) -> None:
    """Copies a job's new name, category, team and owner into its incidents, so that whoever sees the job sees them."""
    Incident.objects.filter(job_uid=job.uid).update(**job.columns())


def close_if_calm(incident: Incident, now: dt.datetime) -> bool:
    """Whether a flapping incident has been quiet for long enough to be closed; others are closed at once."""
    return not incident.flapping or incident.last_at <= now - CALM


def _once_more(trouble: Problem, now: dt.datetime) -> dict[str, Any]:
    """The columns of one that is open already; a run that was counted is not counted again."""
    times: Any = F("count") + trouble.times
    if trouble.run is not None:
        times = Case(When(last_run=trouble.run, then=F("count")), default=times)
    values: dict[str, Any] = {"count": times, "last_at": now, **trouble.job.columns()}
    if trouble.run is not None:
        values["last_run"] = trouble.run
    return values | ({"error": first_line(trouble.error)} if trouble.error else {})


def _opened(trouble: Problem, now: dt.datetime, *, flapping: bool) -> Incident:
    return Incident(
        kind=trouble.kind,
        subject=trouble.subject,
        open_key=trouble.key,
        open_job=trouble.job.uid,
        job_uid=trouble.job.uid,
        **trouble.job.columns(),
        count=trouble.times,
        first_run=trouble.run,
        last_run=trouble.run,
        error=first_line(trouble.error),
        since=trouble.since,
        opened_at=now,
        last_at=now,
        flapping=flapping,
    )


def first_line(text: str) -> str:
    lines = (one_line(line) for line in storable(text).splitlines())
    return next((line for line in lines if line), "")[:LONGEST_ERROR]
