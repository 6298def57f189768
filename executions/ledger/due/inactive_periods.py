"""Writes one row of the ledger for each period in which a job did not follow its schedule, with the reason.

jobs/inactive_periods.py stores when it began, when it ended, and which schedules were valid in it. The row is written in the
transaction that removes the period; the unique key of the due time refuses a second one.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.db import connection, transaction

from executions.ledger import definitions
from executions.ledger.catch_up import Planned
from executions.ledger.error_isolation import each
from executions.ledger.launch import scheduled_row
from executions.models import Execution, Reason, State
from jobs.models import InactivePeriod, Job
from jobs.models.stored_schedule import Timing
from jobs.schedule import slots_between
from scheduler_site.lib.database.prepared import Prepared

log = logging.getLogger("executions.ledger.due.inactive_periods")

AT_ONCE = 1000
UNCOUNTED = "How many due times followed cannot be told: the schedule cannot be read."
TICK = dt.timedelta(microseconds=1)


def settle() -> None:
    """Writes the rows of all periods that are over."""
    each(_over(), _settle, "stretch")


_over = Prepared(
    lambda: (
        InactivePeriod.objects.filter(until__isnull=False)
        .order_by("until", "pk")
        .values_list("pk", "job_id")[:AT_ONCE]
    )
)


@transaction.atomic
def _settle(keys: tuple[int, int]) -> None:
    """The job is locked first, as the verbs do; what somebody else has locked comes next time."""
    key, job_key = keys
    jobs = Job.objects.filter(pk=job_key)
    if connection.features.has_select_for_update:
        jobs = jobs.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    job, period = jobs.first(), InactivePeriod.objects.filter(pk=key).first()
    if job is None or period is None or period.until is None:
        return
    planned, note = _planned(period)
    if planned is not None:
        row = scheduled_row(job, planned, period.until)
        row.requested_by_id = period.by_id
        row.error = "\n".join(filter(None, (period.text, note)))
        definitions.keep([row])
        Execution.objects.bulk_create([row], ignore_conflicts=True)
    period.delete()


def _planned(period: InactivePeriod) -> tuple[Planned | None, str]:
    """All its due times as one, none when there is none; and what is to be said of the count."""
    reason = Reason(period.why)
    try:
        found = [part for part in map(_counted, period.segments) if part]
    except Exception as error:  # whatever a damaged row raises
        log.warning("stretch_uncounted", extra={"job": period.job_id, "error": str(error)})
        if period.due is None or period.until is None or period.due > period.until:
            return None, ""
        return Planned(period.due, State.SKIPPED, reason), UNCOUNTED
    if not found:
        return None, ""
    first, last, count = found[0][0], found[-1][1], sum(part[2] for part in found)
    return Planned(first, State.SKIPPED, reason, count, last=last if count > 1 else None), ""


def _counted(segment: dict[str, Any]) -> tuple[dt.datetime, dt.datetime, int] | None:
    """The first and the last due time by one schedule, and their number.

    Intervals are counted by division, cron schedules by the day: the months of a long pause cost milliseconds.
    """
    last_day = dt.date.fromisoformat(segment["last_day"]) if segment["last_day"] else None
    schedule = Timing.from_json(segment["timing"]).schedule(last_day)
    begin, until = (dt.datetime.fromisoformat(segment[name]) for name in ("first", "until"))
    if schedule is None:
        return None
    first, due = schedule.next_after(begin - TICK), slots_between(schedule, begin, until, limit=1)
    if first is None or not due.times:
        return None
    return first, due.times[-1], due.skipped + len(due.times)
