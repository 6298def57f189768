"""When a job is due next, and what is kept of a schedule that is changed while due times of it are not in the ledger.

Asked when somebody changes a job; after each due time the tick asks its schedule itself (executions/ledger/due/tick.py). The
arithmetic is in jobs/schedule/. A due time that the tick has not recorded yet survives a change of the schedule:
the old one is kept in `Job.pending_segments` until the tick has written its due times into the ledger.
"""

from __future__ import annotations

import datetime as dt

from jobs import zones
from jobs.models import Job
from jobs.schedule import ScheduleError


def upcoming(job: Job, moment: dt.datetime) -> dt.datetime | None:
    """The first due time strictly after `moment`; none when paused, its code suspended, without a schedule, or over.

    Notes in the job by which rules of its zone that is.
    """
    zones.refresh(now=False)
    job.zone_rules = zones.mark(job.timing)
    if not job.timing.enabled or job.code_suspended:
        return None
    schedule = job.timing.schedule(job.end_date)
    return schedule.next_after(moment) if schedule else None


def keep_pending(job: Job, now: dt.datetime) -> None:
    """Remembers the schedule that is about to change, when due times of it are not in the ledger yet.

    While there is such a rest, `next_run_at` is the moment after which the present schedule counts.
    """
    if job.next_run_at is None or job.next_run_at > now:
        return
    first = job.next_run_at
    if job.pending_segments:
        try:
            following = upcoming(job, job.next_run_at)
        except ScheduleError:
            following = None
        if following is None or following > now:
            return
        first = following
    segment = {
        "timing": job.timing.to_json(),
        "last_day": job.end_date.isoformat() if job.end_date else None,
        "first": first.isoformat(),
        "until": now.isoformat(),
    }
    job.pending_segments = [*job.pending_segments, segment]
