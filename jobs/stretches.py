"""Times in which a job does not follow its schedule: paused, past its last day, impossible to schedule, or held with others.

Nothing is written for their due times while they last. At the end of such a stretch the ledger gets one row with their
number (executions/ledger/due/stretches.py), so that "why did it not run?" has an answer. The verbs lock the job, and call it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import User
from jobs.models import Job, Stretch, stored_schedule

Why = Stretch.Why
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
    """Keeps what was due by a schedule that is about to change."""
    stretch = _open(job)
    if stretch is None:
        return
    over = stored_schedule.end_of(job.end_date)
    if stretch.why == Why.PAUSED and over is not None and over < now:
        # Paused until its last day; from then on it would not have run anyway.
        first = max(stretch.first, over + TICK)
        _close(stretch, job, now)
        stretch = Stretch.objects.create(job=job, why=Why.ENDED, first=first)
    _keep(stretch, job, now)
    stretch.save()


def follow(job: Job, now: dt.datetime, by: User | None) -> None:
    """After a change of the job: ends the stretch that is over by it, and starts the one that begins with it."""
    why, stretch = reason(job), _open(job)
    if why is None and stretch is not None and stretch.why == Why.HELD:
        return
    if stretch is not None and stretch.why != why:
        _close(stretch, job, now)
    pause = job.current_pause if why == Why.PAUSED else None
    if why is not None:
        who, text = (pause.by, pause.reason) if pause else (by, "")
        _begin(job, why, now + TICK, by=who, text=text)


def end(job: Job, now: dt.datetime) -> None:
    """The job follows its schedule again, after `now`."""
    stretch = _open(job)
    if stretch is not None:
        _close(stretch, job, now)


def hold(job: Job, first: dt.datetime, by: User | None, text: str) -> None:
    """From its due time `first` on, which is not in the ledger, the job is held; unless a stretch goes on already."""
    if _open(job) is None:
        Stretch.objects.create(job=job, why=Why.HELD, by=by, text=text, first=first, due=first)


def held(
    job: Job, segment: dict[str, Any], by: User | None, text: str, until: dt.datetime | None = None
) -> None:
    """The due times of a segment were held; the stretch that they belong to is over, at `until`, or goes on."""
    first = dt.datetime.fromisoformat(segment["until"]) + TICK
    stretch = _open(job)
    if stretch is not None and stretch.why == Why.HELD and (until is None or stretch.first >= first):
        # Kept by the change that made a segment of them (`turn`).
        return
    if until is None and stretch is not None:
        until = first
    Stretch.objects.create(
        job=job, why=Why.HELD, by=by, text=text, first=first, segments=[segment], until=until
    )


def release(job: Job, at: dt.datetime) -> bool:
    """The hold is over; the job follows its schedule again after `at`. False when no stretch of a hold was open."""
    stretch = _open(job)
    if stretch is None or stretch.why != Why.HELD:
        return False
    _close(stretch, job, at)
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
    """Unless one goes on already; one of a hold ends where a stretch of the job's own begins."""
    stretch = _open(job)
    if stretch is not None and stretch.why == Why.HELD:
        _close(stretch, job, max(stretch.first, first - TICK))
        stretch = None
    if stretch is None:
        Stretch.objects.create(job=job, why=why, by=by, text=text, first=first, due=due)


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


def _open(job: Job) -> Stretch | None:
    return job.stretches.filter(until=None).order_by("id").first()


def _close(stretch: Stretch, job: Job, now: dt.datetime) -> None:
    _keep(stretch, job, now)
    stretch.until = now
    stretch.save()


def _keep(stretch: Stretch, job: Job, now: dt.datetime) -> None:
    """What was due after its last day counts for one that has ended only."""
    if stretch.first > now:
        return
    last_day = job.end_date if job.end_date and stretch.why != Why.ENDED else None
    stretch.segments.append(
        {
            "timing": job.timing.to_json(),
            "last_day": last_day.isoformat() if last_day else None,
            "first": stretch.first.isoformat(),
            "until": now.isoformat(),
        }
    )
    stretch.first = now + TICK
