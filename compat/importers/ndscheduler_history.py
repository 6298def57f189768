"""Runs out of a database of ndscheduler, and its audit log. They say what was; nothing is started by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from accounts.models import Category
from audit.models import Entry
from compat.importers.old_database import BATCH, OldDatabase, moment
from compat.importers.report import Row
from compat.ndscheduler.identifiers import as_uuid
from executions.ledger import definitions
from executions.models import Execution, Reason, State, Trigger
from jobs.models import Job
from scheduler_site.lib.text import storable

RUNS, LOGS = "scheduler_execution", "scheduler_jobauditlog"
# By number; what had not ended never will.
STATES = {3: State.STOPPED, 4: State.FAILED, 5: State.SUCCESS, 6: State.TIMEOUT, 7: State.ERROR}
EVENTS = ("added", "modified", "deleted", "paused", "resumed", "custom_run")
SURFACE = "import"
Item = TypeVar("Item")
Old = dict[str, Any]


class History:
    """Runs and changes in the old database, and how many of them are not imported yet."""

    def __init__(self, old: OldDatabase) -> None:
        self._old = old

    def rows(self) -> list[Row]:
        """Counts for the report."""
        return [
            self._row("runs", self._old.rows(RUNS), new_runs),
            self._row("audit entries", self._old.rows(LOGS), new_entries),
        ]

    @staticmethod
    def _row(kind: str, found: Iterable[Old], new: Callable[[list[Old]], list[Old]]) -> Row:
        total = fresh = 0
        for batch in batches(found):
            total, fresh = total + len(batch), fresh + len(new(batch))
        row = Row(kind, f"({total})", "new" if fresh else "here")
        if fresh:
            row.notes.append(f"{fresh} of them are new.")
        return row

    def apply(self, category: Callable[[Any], Category | None]) -> None:
        """Writes what is new; jobs have been imported before."""
        jobs = {job.uid: job for job in Job.objects.only("uid", "name", "kind", "category_id")}
        general = Category.general()
        by_hand = {
            str(log.get("description")).replace("-", "")
            for log in self._old.rows(LOGS)
            if log.get("event") == 5
        }
        for batch in batches(self._old.rows(RUNS)):
            made = [
                _run(old, jobs, category(old.get("category_id")) or general, by_hand)
                for old in new_runs(batch)
            ]
            definitions.keep(made)
            Execution.objects.bulk_create(made)
        for batch in batches(self._old.rows(LOGS)):
            told = [
                _entry(old, jobs, category(old.get("category_id")) or general) for old in new_entries(batch)
            ]
            Entry.objects.bulk_create(told)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    waiting = iter(items)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def new_runs(batch: list[Old]) -> list[Old]:
    """Those with an id and a time that are not here."""
    usable = {uid: old for old in batch if (uid := as_uuid(str(old.get("eid")))) and _at(old)}
    here = set(Execution.objects.filter(uid__in=usable).values_list("uid", flat=True))
    return [old for uid, old in usable.items() if uid not in here]


def new_entries(batch: list[Old]) -> list[Old]:
    usable = [old for old in batch if _at(old, "created_time") and old.get("event") in range(len(EVENTS))]
    times = [at for old in usable if (at := _at(old, "created_time"))]
    known = Entry.objects.filter(surface=SURFACE, at__in=times).values_list("at", "event", "object_name")
    here = set(known)
    return [old for old in usable if (_at(old, "created_time"), *_about(old)) not in here]


def _about(old: Old) -> tuple[str, str]:
    return EVENTS[old["event"]], storable(str(old.get("job_name") or ""))[:255]


def _run(old: Old, jobs: dict[UUID, Job], category: Category, by_hand: set[str]) -> Execution:
    uid, job_uid = UUID(str(old["eid"])), as_uuid(str(old.get("job_id"))) or UUID(int=0)
    job, due = jobs.get(job_uid), _at(old) or dt.datetime.now(dt.UTC)
    end = moment(old.get("updated_time")) or due
    state = STATES.get(old.get("state") or 0, State.LOST)
    manual, text = uid.hex in by_hand, storable(str(old.get("result") or ""))
    started = due if old.get("hostname") else None
    return Execution(
        uid=uid,
        job_id=job.pk if job else None,
        job_uid=job_uid,
        job_name=job.name if job else job_uid.hex,
        kind=job.kind if job else Job.Kind.PYTHON_CLASS,
        definition={"kind": Job.Kind.PYTHON_CLASS, "options": {}, "metadata": {}},
        category_id=job.category_id if job else category.pk,
        trigger=Trigger.MANUAL if manual else Trigger.SCHEDULED,
        # What was noted is when it began, and no due time.
        due_at=due,
        created_at=due,
        state=state,
        reason=Reason.LOST if state == State.LOST else "",
        attempt=1 if started else 0,
        worker=f"{old['hostname']}:{old.get('pid') or ''}"[:120] if started else "",
        started_at=started,
        finished_at=end,
        duration=max((end - due).total_seconds(), 0) if started else None,
        result=text if state == State.SUCCESS else "",
        error="" if state == State.SUCCESS else text,
    )


def _entry(old: Old, jobs: dict[UUID, Job], category: Category) -> Entry:
    event, name = _about(old)
    uid = as_uuid(str(old.get("job_id")))
    job = jobs.get(uid) if uid else None
    return Entry(
        at=_at(old, "created_time") or dt.datetime.now(dt.UTC),
        event=event,
        actor_name=storable(str(old.get("user") or ""))[:150],
        surface=SURFACE,
        object_type="job",
        object_id=job.pk if job else None,
        object_uid=uid,
        object_name=name,
        category_id=job.category_id if job else category.pk,
        description=storable(str(old.get("description") or "")),
    )


def _at(old: Old, column: str = "scheduled_time") -> dt.datetime | None:
    return moment(old.get(column))
