"""Claiming and finishing: the two transitions that only a worker makes.

Each is a conditional UPDATE. A message that comes twice, a worker that comes back after it was given up, a run that was
stopped meanwhile: all of them change no row, and so change nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When

from executions.models import Execution, LogChunk, Reason, State, Trigger
from executions.publish import publish
from jobs import retry
from jobs.models import Job
from jobs.runners import RUNNERS, Outcome, Spec
from jobs.runners.masking import Mask

log = logging.getLogger("executions.work")

# A run whose worker has not renewed its lease for so long is lost; with the reconciler's period it is known within 60 s.
LEASE = dt.timedelta(seconds=45)
# A run that is safe to repeat is given up after being lost so often.
MOST_LOST = 3
NEEDED: dict[str, type | tuple[type, ...]] = {
    "options": dict,
    "metadata": object,
    "timeout": (int, float, type(None)),
    "stop_grace": (int, float),
    "overlap": str,
    "max_attempts": int,
    "retry_delay": (int, float),
    "retry_cap": (int, float),
    "rerun_lost": bool,
}


@dataclass(frozen=True)
class Claim:
    """A run that this worker has: the row's key, the attempt that fences its writes, and what to do."""

    pk: int
    uid: str
    attempt: int
    serial: bool
    policy: dict[str, Any]
    spec: Spec
    started_at: dt.datetime


class _Contended(Exception):
    """Somebody else had some of the rows: claim them one by one."""


def claim(uids: Sequence[str], worker: str, now: dt.datetime) -> list[Claim]:
    """Takes those of the queued runs that may start now; ends those that may not start any more."""
    rows = list(
        Execution.objects.startable(now)
        .filter(uid__in=uids)
        .select_related("job")
        .annotate(enabled=F("job__periodic_task__enabled"))
    )
    ready = [row for row in rows if not _refuse(row, now)]
    return [_claimed(row, now) for row in _take(ready, worker, now)]


def finish(claim: Claim, outcome: Outcome, worker: str, now: dt.datetime) -> bool:
    """Writes how an attempt ended: a final state, or the wait for the next attempt.

    False when the row is not this worker's any more (its lease had run out): the late outcome is refused.
    """
    wait, mask = _retry_delay(claim, outcome), Mask(claim.spec.secrets.values())
    values: dict[str, Any] = {
        "error": clean(mask(outcome.message)),
        "exit_code": outcome.exit_code,
        "response_status": outcome.response_status,
        "peak_memory": outcome.peak_memory,
        "mean_memory": outcome.mean_memory,
        "result": clean(mask(outcome.result or "")),
        "busy": None,
        "lease_until": None,
    }
    if outcome.target:
        values["target"] = outcome.target[:500]
    if wait is None:
        values |= _ended(claim, outcome, now)
    else:
        next_attempt = now + dt.timedelta(seconds=wait)
        values |= {
            "state": State.QUEUED,
            "reason": Reason.RETRYING,
            "next_attempt_at": next_attempt,
            "published_at": None,
        }
    with transaction.atomic(savepoint=False):
        changed = _mine(claim, worker).update(**values)
        if changed and outcome.output:
            append_log(claim, outcome.output, now)
    if not changed:
        log.warning(
            "outcome_refused", extra={"run": claim.uid, "attempt": claim.attempt, "state": outcome.state}
        )
    elif wait is None and claim.serial:
        release(claim.spec.job_id)
    return bool(changed)


def lose(run: Execution, reason: Reason, now: dt.datetime) -> bool:
    """Ends a run whose worker is gone, or queues it again where the job says that this does no harm.

    Even then only a few times: a job that kills its worker must not do so for ever.
    """
    again = (
        sound(run)
        and run.definition["rerun_lost"]
        and run.attempt < max(run.definition["max_attempts"], MOST_LOST)
    )
    values: dict[str, Any] = {"busy": None, "lease_until": None}
    if again and run.stop_requested_at is None:
        values |= {
            "state": State.QUEUED,
            "reason": Reason.RETRYING,
            "next_attempt_at": now,
            "published_at": None,
        }
    else:
        duration = max(0.0, (now - run.started_at).total_seconds()) if run.started_at else None
        values |= {"state": State.LOST, "reason": reason, "finished_at": now, "duration": duration}
    mine = Execution.objects.filter(pk=run.pk, state=State.RUNNING, attempt=run.attempt)
    changed = bool(mine.update(**values))
    if changed:
        log.warning(
            "run_lost",
            extra={"run": run.uid, "job": run.job_name, "worker": run.worker, "reason": str(reason)},
        )
    if changed and "finished_at" in values and run.busy is not None:
        release(str(run.job_uid))
    return changed


def append_log(claim: Claim, text: str, now: dt.datetime) -> None:
    """Adds to a run's output, with the job's secrets masked."""
    text = clean(Mask(claim.spec.secrets.values())(text))
    LogChunk.objects.create(execution_id=claim.pk, attempt=claim.attempt, at=now, text=text)


def release(job_uid: str) -> None:
    """Lets the next held run of a job go, when no other of its runs is under way."""
    runs = Execution.objects.filter(job__uid=job_uid).open()
    if runs.filter(held=False).exists():
        return
    head = runs.filter(held=True).order_by("due_at", "id").first()
    if head and Execution.objects.filter(pk=head.pk, held=True, state=State.QUEUED).update(held=False):
        transaction.on_commit(partial(publish, [head]))


def sound(run: Execution) -> bool:
    """Whether a run's definition has what a worker reads of it; a row that was damaged by hand has not."""
    definition: object = run.definition
    return isinstance(definition, dict) and all(
        name in definition and isinstance(definition[name], kind) for name, kind in NEEDED.items()
    )


def clean(text: str) -> str:
    """Text that every database takes: no NUL (PostgreSQL), no lone surrogates (UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _refuse(row: Execution, now: dt.datetime) -> bool:
    """Ends a run that may not start any more; true when it may not."""
    scheduled_first = row.trigger == Trigger.SCHEDULED and row.attempt == 0
    if row.job_id is None:
        state, reason = State.SKIPPED, Reason.DELETED
    elif scheduled_first and getattr(row, "enabled", True) is False:
        state, reason = State.SKIPPED, Reason.PAUSED
    elif scheduled_first and row.start_before is not None and row.start_before < now:
        state, reason = State.MISSED, Reason.DEADLINE
    elif not sound(row):
        # Found out before the claim: after it, it would take the others of its message along.
        state, reason = State.ERROR, Reason.UNSTARTABLE
    else:
        return False
    Execution.objects.filter(pk=row.pk, state=State.QUEUED).update(
        state=state, reason=reason, finished_at=now
    )
    return True


def _take(rows: list[Execution], worker: str, now: dt.datetime) -> list[Execution]:
    """Claims all in one statement; if somebody else has some, one by one."""
    if len(rows) > 1:
        try:
            with transaction.atomic():
                if _take_rows(rows, worker, now) != len(rows):
                    raise _Contended
        except (_Contended, IntegrityError):
            pass
        else:
            return rows
    return [row for row in rows if _take_one(row, worker, now)]


def _take_one(row: Execution, worker: str, now: dt.datetime) -> bool:
    try:
        with transaction.atomic():
            return _take_rows([row], worker, now) == 1
    except IntegrityError:
        # Another run of the job is busy: this one waits until it is released.
        Execution.objects.filter(pk=row.pk, state=State.QUEUED).update(held=True)
        return False


def _take_rows(rows: list[Execution], worker: str, now: dt.datetime) -> int:
    alone = [row.pk for row in rows if row.definition.get("overlap") != Job.Overlap.ALLOW]
    busy = Case(When(pk__in=alone, then=F("job_id")), default=Value(None)) if alone else Value(None)
    return Execution.objects.filter(pk__in=[row.pk for row in rows], state=State.QUEUED, held=False).update(
        state=State.RUNNING,
        reason=Reason.NONE,
        attempt=F("attempt") + 1,
        worker=worker,
        busy=busy,
        lease_until=now + LEASE,
        started_at=Case(When(started_at=None, then=Value(now)), default=F("started_at")),
        next_attempt_at=None,
        stop_requested_at=None,
        stop_reason="",
    )


def _claimed(row: Execution, now: dt.datetime) -> Claim:
    definition = row.definition
    runner = RUNNERS.get(row.kind)
    spec = Spec(
        run_id=str(row.uid),
        attempt=row.attempt + 1,
        job_id=str(row.job_uid),
        job_name=row.job_name,
        kind=row.kind,
        options=definition["options"],
        metadata=definition["metadata"],
        secrets=row.job.secrets if row.job else {},
        slot=row.scheduled_for,
        timeout=float(definition["timeout"] or (runner.default_timeout if runner else 60)),
        stop_grace=float(definition["stop_grace"]),
    )
    serial = definition["overlap"] != Job.Overlap.ALLOW
    return Claim(row.pk, str(row.uid), row.attempt + 1, serial, definition, spec, row.started_at or now)


def _mine(claim: Claim, worker: str) -> Any:
    return Execution.objects.filter(Q(state=State.RUNNING), pk=claim.pk, attempt=claim.attempt, worker=worker)


def _retry_delay(claim: Claim, outcome: Outcome) -> float | None:
    if outcome.state in ("failed", "timeout") and outcome.retryable:
        return retry.delay(claim.attempt, claim.policy, retry_after=outcome.retry_after)
    return None


def _ended(claim: Claim, outcome: Outcome, now: dt.datetime) -> dict[str, Any]:
    reason = (
        Case(When(~Q(stop_reason=""), then=F("stop_reason")), default=Value(str(Reason.STOPPED)))
        if outcome.state == "stopped"
        else Value(str(Reason.UNSTARTABLE if outcome.state == "error" else Reason.NONE))
    )
    return {
        "state": State(outcome.state),
        "reason": reason,
        "finished_at": now,
        "duration": max(0.0, (now - claim.started_at).total_seconds()),
    }
