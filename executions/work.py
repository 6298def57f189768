"""Finishing: how an attempt that a worker has claimed ends, or is given up.

Each step is a conditional UPDATE: a worker that comes back after its run was given up changes no row, and so nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from executions import failpoints
from executions.claims import Claim, sound
from executions.held import release
from executions.models import Execution, LogChunk, Reason, State
from jobs import retry
from jobs.runners import Outcome
from jobs.runners.masking import Mask

log = logging.getLogger("executions.work")

# A run that is safe to repeat is given up after being lost so often.
MOST_LOST = 3


@dataclass(frozen=True)
class Report:
    """What a worker has to say of a run: a piece of output, how the attempt ended, or (None) that it shuts down under it."""

    claim: Claim
    what: str | Outcome | None

    @property
    def is_last(self) -> bool:
        return not isinstance(self.what, str)


def write(reports: Sequence[Report], worker: str, now: dt.datetime) -> list[Claim]:
    """Puts all of it on record, or nothing; returns the claims that ended with it.

    An outcome is refused, and its claim not among them, when the row is not this worker's any more (its lease had run out).
    """
    # All who lock many rows do it in one order, by key. The sort keeps output before the outcome that it belongs to.
    in_order = sorted(reports, key=lambda report: report.claim.pk)
    output: list[LogChunk] = []
    with transaction.atomic():
        ended = [report.claim for report in in_order if _write_one(report, worker, now, output)]
        if output:
            LogChunk.objects.bulk_create(output)
    if serial := [claim.job for claim in ended if claim.serial]:
        release(serial)
    return ended


def _write_one(report: Report, worker: str, now: dt.datetime, output: list[LogChunk]) -> bool:
    """True when the attempt has ended with it; what is to be kept as output is put into `output`."""
    claim, what = report.claim, report.what
    if isinstance(what, str):
        output.append(_chunk(claim, what, now))
        return False
    failpoints.reach("before outcome")
    if what is None:
        mine = Execution.objects.filter(pk=claim.pk, worker=worker, attempt=claim.attempt)
        return any(lose(run, Reason.SHUTDOWN, now) for run in mine)
    ended = _end(claim, what, worker, now)
    if ended and what.output:
        output.append(_chunk(claim, what.output, now))
    return ended


def _end(claim: Claim, outcome: Outcome, worker: str, now: dt.datetime) -> bool:
    """A final state, or the wait for the next attempt; false when the row is not this worker's any more."""
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
    values |= _ended(claim, outcome, now) if wait is None else _waiting(now + dt.timedelta(seconds=wait))
    mine = Execution.objects.filter(pk=claim.pk, state=State.RUNNING, attempt=claim.attempt, worker=worker)
    changed = bool(mine.update(**values))
    if not changed:
        log.warning(
            "outcome_refused", extra={"run": claim.uid, "attempt": claim.attempt, "state": outcome.state}
        )
    return changed


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
        values |= _waiting(now)
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
        release([run.job_id])
    return changed


def clean(text: str) -> str:
    """Text that every database takes: no NUL (PostgreSQL), no lone surrogates (UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _chunk(claim: Claim, text: str, now: dt.datetime) -> LogChunk:
    """A piece of a run's output, with the job's secrets masked."""
    masked = clean(Mask(claim.spec.secrets.values())(text))
    return LogChunk(execution_id=claim.pk, attempt=claim.attempt, at=now, text=masked)


def _waiting(until: dt.datetime) -> dict[str, Any]:
    return {
        "state": State.QUEUED,
        "reason": Reason.RETRYING,
        "next_attempt_at": until,
        "published_at": None,
    }


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
