"""Runs whose worker has died: they end as lost, or are retried if the job allows it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.db.models.expressions import RawSQL

from executions.alerting import pending
from executions.ledger import downstream, format_versions
from executions.ledger.claims import sound
from executions.ledger.downstream import End
from executions.ledger.limits.overlap import release
from executions.models import Execution, ExecutionQuerySet, Reason, State, over

log = logging.getLogger("executions.ledger.lost")

# A run that is safe to repeat is given up after being lost so often.
MOST_LOST = 3


def give_up(rows: ExecutionQuerySet, reason: Reason, now: dt.datetime, *, skip: bool = False) -> int:
    """Gives up those of the rows that still run and are still as `rows` says: a lease that was judged may have been renewed.

    `skip` leaves those alone that somebody else is changing at this moment. Returns how many were given up.
    """
    with transaction.atomic():
        led_on = downstream.of(rows.values_list("job_id", flat=True))
        found = list(rows.running().locking(skip))
        prefetch_related_objects(found, "shared")
        for run in found:
            run.definition = format_versions.read(run)
        again = [run for run in found if _may_repeat(run)]
        ended = [run for run in found if not _may_repeat(run)]
        free: dict[str, Any] = {"busy": None, "lease_until": None}
        if again:
            _still(again).update(**free, **waiting(now))
        if ended:
            lasted = chosen([(run.pk, _duration(run, now)) for run in ended])
            _still(ended).update(**free, **over(State.LOST, reason, now), duration=lasted)
            ends = [End(run.pk, run.job_id, State.LOST, run.stop_requested_at is not None) for run in ended]
            downstream.start(led_on, ends, now)
            pending.record_given_up(
                [run for run in ended if run.stop_requested_at is None], str(reason.label), now
            )
    for run in found:
        about = {"run": run.uid, "job": run.job_name, "worker": run.worker, "reason": str(reason)}
        log.warning("run_lost", extra=about)
    if serial := [run.job_id for run in ended if run.busy is not None]:
        release(serial)
    return len(found)


def waiting(until: dt.datetime) -> dict[str, Any]:
    """The columns of a run that waits for its next attempt."""
    return {
        "state": State.QUEUED,
        "reason": Reason.RETRYING,
        "next_attempt_at": until,
        "published_at": None,
        "suspended_at": None,
    }


def chosen(values: Sequence[tuple[int, Any]]) -> Any:
    """One value for all rows, or SQL that chooses by key: Django's own CASE costs more than a statement for each row."""
    if all(value == values[0][1] for _, value in values):
        return values[0][1]
    cases = " ".join(["WHEN %s THEN %s"] * len(values))
    return RawSQL(f"CASE id {cases} END", [part for pair in values for part in pair])  # noqa: S611


def _still(runs: list[Execution]) -> ExecutionQuerySet:
    """They are locked, or (SQLite) nobody else writes: as they were read, so they are."""
    return Execution.objects.filter(pk__in=[run.pk for run in runs], state=State.RUNNING)


def _may_repeat(run: Execution) -> bool:
    """Where the job says so, and even then only a few times: a job that kills its worker must not do so for ever."""
    return (
        run.stop_requested_at is None
        and sound(run)
        and run.definition["rerun_lost"]
        and run.attempt < max(run.definition["max_attempts"], MOST_LOST)
    )


def _duration(run: Execution, now: dt.datetime) -> float | None:
    return max(0.0, (now - run.started_at).total_seconds()) if run.started_at else None
