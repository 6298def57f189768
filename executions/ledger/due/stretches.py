"""Why did it not run? A time in which a job does not follow its schedule (a stretch) becomes one row of the ledger.

jobs/stretches.py stores when it began, when it ended, and which schedules were valid in it. The row is written in the
transaction that removes the stretch; the unique key of the due time refuses a second one.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.db import connection, transaction

from executions.ledger import definitions
from executions.ledger.catch_up import Planned
from executions.ledger.isolation import each
from executions.ledger.launch import scheduled_row
from executions.models import Execution, Reason, State
from jobs.models import Job, Stretch
from jobs.models.stored_schedule import Timing
from jobs.schedule import slots_between

log = logging.getLogger("executions.ledger.due.stretches")

AT_ONCE = 1000
UNCOUNTED = "How many due times followed cannot be told: the schedule cannot be read."
TICK = dt.timedelta(microseconds=1)


def settle() -> None:
    """Writes the rows of all stretches that are over."""
    ended = Stretch.objects.filter(until__isnull=False).order_by("until", "pk")
    each(ended.values_list("pk", "job_id")[:AT_ONCE], _settle, "stretch")


@transaction.atomic
def _settle(keys: tuple[int, int]) -> None:
    """The job is locked first, as the verbs do; what somebody else has locked comes next time."""
    key, job_key = keys
    jobs = Job.objects.filter(pk=job_key)
    if connection.features.has_select_for_update:
        jobs = jobs.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    job, stretch = jobs.first(), Stretch.objects.filter(pk=key).first()
    if job is None or stretch is None or stretch.until is None:
        return
    planned, note = _planned(stretch)
    if planned is not None:
        row = scheduled_row(job, planned, stretch.until)
        row.requested_by_id = stretch.by_id
        row.error = "\n".join(filter(None, (stretch.text, note)))
        definitions.keep([row])
        Execution.objects.bulk_create([row], ignore_conflicts=True)
    stretch.delete()


def _planned(stretch: Stretch) -> tuple[Planned | None, str]:
    """All its due times as one, none when there is none; and what is to be said of the count."""
    reason = Reason(stretch.why)
    try:
        found = [part for part in map(_counted, stretch.segments) if part]
    except Exception as error:  # whatever a damaged row raises
        log.warning("stretch_uncounted", extra={"job": stretch.job_id, "error": str(error)})
        if stretch.due is None or stretch.until is None or stretch.due > stretch.until:
            return None, ""
        return Planned(stretch.due, State.SKIPPED, reason), UNCOUNTED
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
