"""Periods in which a job does not follow its schedule: paused, ended, quarantined or held.

Nothing is written for their due times while they last. At the end of such a period the ledger gets one row with their number
(executions/ledger/due/inactive_periods.py), so that "why did it not run?" has an answer. The verbs lock the job, and call it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import User
from jobs.models import InactivePeriod, Job, stored_schedule

Why = InactivePeriod.Why
TICK = dt.timedelta(microseconds=1)


def pause(job: Job, now: dt.datetime, by: User | None, text: str) -> None:
    """`job.next_run_at` is still that of before the pause: earlier due times are in the ledger, or left to the tick."""
    due = job.next_run_at
    if job.has_ended:
        over = stored_schedule.end_of(job.end_date) or now
        _begin(job, Why.ENDED, min(now, max(over, job.created_at)) + TICK, by=by, text=text)
    elif due is not None and due > now:
        _begin(job, Why.PAUSED, due, due=due, by=by, text=text)
    else:
        _begin(job, Why.PAUSED, now + TICK, by=by, text=text)


def quarantine(job: Job, now: dt.datetime, text: str) -> None:
    """What was due when it was found out is part of it: the tick cannot write it."""
    due = None if job.pending_segments else job.next_run_at
    _begin(job, Why.BROKEN, due or now + TICK, due=due, text=text)


def owner_lost_right(job: Job, now: dt.datetime, text: str) -> None:
    """As `quarantine`: what was due when it was found out is part of it, as nothing of it is run."""
    due = None if job.pending_segments else job.next_run_at
    _begin(job, Why.OWNER, due or now + TICK, due=due, text=text)


def turn(job: Job, now: dt.datetime) -> None:
    """Keeps the due times of a schedule that is about to change."""
    period = _open(job)
    if period is None:
        return
    over = stored_schedule.end_of(job.end_date)
    if period.why == Why.PAUSED and over is not None and over < now:
        # Paused until its last day; from then on it would not have run anyway.
        first = max(period.first, over + TICK)
        _close(period, job, now)
        period = InactivePeriod.objects.create(job=job, why=Why.ENDED, first=first)
    _keep(period, job, now)
    period.save()


def follow(job: Job, now: dt.datetime, by: User | None) -> None:
    """After a change of the job: ends the period that is over by it, and starts the one that begins with it."""
    why, period = reason(job), _open(job)
    if why is None and period is not None and period.why == Why.HELD:
        return
    if period is not None and period.why != why:
        _close(period, job, now)
    pause = job.current_pause if why == Why.PAUSED else None
    if why is not None:
        who, text = (pause.by, pause.reason) if pause else (by, "")
        _begin(job, why, now + TICK, by=who, text=text)


def end(job: Job, now: dt.datetime) -> None:
    """The job follows its schedule again, after `now`."""
    period = _open(job)
    if period is not None:
        _close(period, job, now)


def hold(job: Job, first: dt.datetime, by: User | None, text: str) -> None:
    """From its due time `first` on, which is not in the ledger, the job is held; unless a period goes on already."""
    if _open(job) is None:
        InactivePeriod.objects.create(job=job, why=Why.HELD, by=by, text=text, first=first, due=first)


def held(
    job: Job, segment: dict[str, Any], by: User | None, text: str, until: dt.datetime | None = None
) -> None:
    """The due times of a segment were held; the period that they belong to is over, at `until`, or goes on."""
    first = dt.datetime.fromisoformat(segment["until"]) + TICK
    period = _open(job)
    if period is not None and period.why == Why.HELD and (until is None or period.first >= first):
        # Kept by the change that made a segment of them (`turn`).
        return
    if until is None and period is not None:
        until = first
    InactivePeriod.objects.create(
        job=job, why=Why.HELD, by=by, text=text, first=first, segments=[segment], until=until
    )


def release(job: Job, at: dt.datetime) -> bool:
    """The hold is over; the job follows its schedule again after `at`. False when no period of a hold was open."""
    period = _open(job)
    if period is None or period.why != Why.HELD:
        return False
    _close(period, job, at)
    return True


def _begin(
    job: Job,
    why: Why,
    first: dt.datetime,
    *,
    due: dt.datetime | None = None,
    by: User | None = None,
    text: str = "",
) -> None:
    """Unless one goes on already; one of a hold ends where a period of the job's own begins."""
    period = _open(job)
    if period is not None and period.why == Why.HELD:
        _close(period, job, max(period.first, first - TICK))
        period = None
    if period is None:
        InactivePeriod.objects.create(job=job, why=why, by=by, text=text, first=first, due=due)


def reason(job: Job) -> Why | None:
    """Why it does not follow its schedule at present."""
    if job.quarantine_reason:
        return Why.BROKEN
    if job.timing.kind == "none":
        return None
    if job.code_suspended:
        return Why.OWNER
    if job.has_ended:
        return Why.ENDED
    return None if job.timing.enabled else Why.PAUSED


def _open(job: Job) -> InactivePeriod | None:
    return job.inactive_periods.filter(until=None).order_by("id").first()


def _close(period: InactivePeriod, job: Job, now: dt.datetime) -> None:
    _keep(period, job, now)
    period.until = now
    period.save()


def _keep(period: InactivePeriod, job: Job, now: dt.datetime) -> None:
    """What was due after its last day counts for one that has ended only."""
    if period.first > now:
        return
    last_day = job.end_date if job.end_date and period.why != Why.ENDED else None
    period.segments.append(
        {
            "timing": job.timing.to_json(),
            "last_day": last_day.isoformat() if last_day else None,
            "first": period.first.isoformat(),
            "until": now.isoformat(),
        }
    )
    period.first = now + TICK
