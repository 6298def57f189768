"""Stores the outcome of attempts that a worker has claimed.

Each step is a conditional UPDATE: a worker that returns after its run was declared lost changes no row.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from executions import failpoints
from executions.alerting import alerts
from executions.ledger import downstream
from executions.ledger.artifacts import is_name
from executions.ledger.downstream import End
from executions.ledger.limits import concurrency
from executions.ledger.limits.overlap import release
from executions.ledger.lost import chosen, give_up, waiting
from executions.models import Artifact, Execution, LogChunk, Measurement, Reason, State, over
from executions.values import Claim
from jobs import retry
from jobs.runners import Outcome
from jobs.runners.masking import Mask
from scheduler_site.lib.text import storable

log = logging.getLogger("executions.ledger.outcomes")

# Rows in a statement.
BATCH = 500
# What an outcome tells in the names of the columns.
MEASURED = ("exit_code", "response_status", "peak_memory", "mean_memory", "cpu_seconds", "result")


@dataclass(frozen=True)
class Report:
    """What a worker has to say of a run: a piece of output, how the attempt ended, or (None) that the worker gave it up."""

    claim: Claim
    what: str | Outcome | None
    why: Reason = Reason.SHUTDOWN

    @property
    def is_last(self) -> bool:
        return not isinstance(self.what, str)

    @property
    def characters(self) -> int:
        """How much text it brings."""
        if isinstance(self.what, Outcome):
            return len(self.what.output) + len(self.what.message) + len(self.what.result or "")
        return len(self.what or "")


def write(reports: Sequence[Report], worker: str, now: dt.datetime, *, again: bool = False) -> list[Claim]:
    """Stores all reports or none; returns the claims that ended with them.

    An outcome is refused, and its claim not among them, when the row is not this worker's any more (its lease had run out).

    `again`: the same was tried before, with the same `now`, and the connection broke: it may be on record already.
    """
    if again and _is_on_record(reports, worker, now):
        ended = [report.claim for report in reports if report.is_last]
        _let_others_go(ended)
        return ended
    with transaction.atomic():
        outcomes = [(report.claim, report.what) for report in reports if isinstance(report.what, Outcome)]
        led_on = downstream.of(claim.job for claim, _ in outcomes)
        waits = [_retry_delay(claim, outcome) for claim, outcome in outcomes]
        ended, untold = _end_all(outcomes, waits, worker, now)
        last = [pair for pair, wait in zip(outcomes, waits, strict=True) if wait is None]
        downstream.start(led_on, _final_ends(last, ended), now)
        ended += [report.claim for report in reports if report.what is None and _give_up(report, worker, now)]
        _keep_output(reports, ended, now)
        _keep_evidence(outcomes, ended)
        # Afterwards: a message about a failure has the end of its output.
        for claim, outcome in untold:
            alerts.run_ended(claim, outcome, outcome.message, now)
    _let_others_go(ended)
    return ended


def _let_others_go(ended: list[Claim]) -> None:
    """What waited for the end of these runs, or for their places."""
    if serial := [claim.job for claim in ended if claim.serial]:
        release(serial)
    if scopes := {scope for claim in ended for scope in claim.scopes}:
        concurrency.wake(scopes)


def _is_on_record(reports: Sequence[Report], worker: str, now: dt.datetime) -> bool:
    """Whether a transaction whose answer was lost has landed: then any of its rows tells so, for all were written at once.

    Nobody else writes for these attempts, and no two batches of a worker have the same `now`.
    """
    keys = {report.claim.pk for report in reports}
    return (
        LogChunk.objects.filter(execution__in=keys, at=now).exists()
        or Execution.objects.filter(pk__in=keys, worker=worker, finished_at=now).exists()
    )


def _end_all(
    outcomes: Sequence[tuple[Claim, Outcome]], waits: Sequence[float | None], worker: str, now: dt.datetime
) -> tuple[list[Claim], list[tuple[Claim, Outcome]]]:
    """Those that ended, and those of them that people may be told of: whose last attempt it was.

    `waits`: seconds until the next attempt of each, none for no more.

    Attempts that came to the same state are written in one statement: after a burst, many did.
    """
    if not outcomes:
        return [], []
    failpoints.reach("before outcome")
    alike: dict[tuple[int, float | None, str], list[tuple[Claim, Outcome]]] = {}
    for (claim, outcome), wait in zip(outcomes, waits, strict=True):
        key = (claim.attempt, wait, outcome.state)
        alike.setdefault(key, []).append((claim, _masked(claim, outcome)))
    mine = Execution.objects.filter(state=State.RUNNING, worker=worker)
    # Several are locked first: what is this worker's then will be so in the statements that follow.
    kept = (
        mine.filter(pk__in=[claim.pk for claim, _ in outcomes]).locked_attempts()
        if len(outcomes) > 1
        else None
    )
    ended: list[Claim] = []
    untold: list[tuple[Claim, Outcome]] = []
    for (attempt, wait, _state), ends in alike.items():
        ours = [end for end in ends if kept is None or (end[0].pk, attempt) in kept]
        rows = mine.filter(pk__in=[claim.pk for claim, _ in ours], attempt=attempt)
        if not ours or not rows.update(**_values(ours, wait, now)):
            ours = []
        _warn_of_refused(ends, ours)
        ended += [claim for claim, _ in ours]
        untold += ours if wait is None else []
    return ended, untold


def _masked(claim: Claim, outcome: Outcome) -> Outcome:
    mask = Mask(claim.spec.secrets.values())
    message, result = storable(mask(outcome.message)), storable(mask(outcome.result or ""))
    return replace(outcome, message=message, result=result)


def _warn_of_refused(ends: list[tuple[Claim, Outcome]], ours: list[tuple[Claim, Outcome]]) -> None:
    """Of an outcome that was refused only the log hears."""
    in_time = {claim.pk for claim, _ in ours}
    for claim, outcome in ends:
        if claim.pk not in in_time:
            late = {"run": claim.uid, "attempt": claim.attempt, "state": outcome.state}
            log.warning("outcome_refused", extra=late)


def _values(ends: list[tuple[Claim, Outcome]], wait: float | None, now: dt.datetime) -> dict[str, Any]:
    """Final states, or the wait for the next attempt; columns in which the runs differ as a choice by key."""
    columns: dict[str, list[tuple[int, Any]]] = {}
    for claim, outcome in ends:
        values = {"error": outcome.message} | {name: getattr(outcome, name) for name in MEASURED}
        values["target"] = (outcome.target or claim.target)[:500]
        if wait is None:
            values["duration"] = max(0.0, (now - claim.started_at).total_seconds())
        for name, value in values.items():
            columns.setdefault(name, []).append((claim.pk, value))
    common = _final(ends[0][1], now) if wait is None else waiting(now + dt.timedelta(seconds=wait))
    if wait is None:
        # It will not start again; nor does it need to say any more by which version it is to be read.
        common["start_before"] = None
        if all(claim.plain for claim, _ in ends):
            common["definition"] = {}
    differing = {name: chosen(values) for name, values in columns.items()}
    return {"busy": None, "lease_until": None} | common | differing


def _give_up(report: Report, worker: str, now: dt.datetime) -> bool:
    mine = Execution.objects.filter(pk=report.claim.pk, worker=worker, attempt=report.claim.attempt)
    return bool(give_up(mine, report.why, now))


def _final_ends(last: Iterable[tuple[Claim, Outcome]], ended: list[Claim]) -> Iterator[End]:
    """Those of the last attempts of runs that have ended."""
    keys = {(claim.pk, claim.attempt) for claim in ended}
    for claim, outcome in last:
        if (claim.pk, claim.attempt) in keys:
            yield End(claim.pk, claim.job, outcome.state, outcome.state == "stopped")


def _keep_output(reports: Sequence[Report], ended: list[Claim], now: dt.datetime) -> None:
    """What attempts wrote, in one piece each; then, apart, what came with the outcomes that were not refused."""
    in_time = {(claim.pk, claim.attempt) for claim in ended}
    written: dict[tuple[int, int], str] = {}
    answers: dict[tuple[int, int], str] = {}
    for claim, what in ((report.claim, report.what) for report in reports):
        key, mask = (claim.pk, claim.attempt), Mask(claim.spec.secrets.values())
        if isinstance(what, str):
            written[key] = written.get(key, "") + storable(mask(what))
        elif what and key in in_time:
            answers[key] = storable(mask(what.output))
    pieces = [*written.items(), *answers.items()]
    chunks = [
        LogChunk(execution_id=pk, attempt=number, at=now, text=text, ends=text.count("\n"), size=len(text))
        for (pk, number), text in pieces
        if text
    ]
    if chunks:
        LogChunk.objects.bulk_create(chunks)


def _keep_evidence(outcomes: Sequence[tuple[Claim, Outcome]], ended: list[Claim]) -> None:
    """What was measured of the attempts that ended in time, and the files that they left."""
    in_time = {(claim.pk, claim.attempt) for claim in ended}
    kept = [pair for pair in outcomes if (pair[0].pk, pair[0].attempt) in in_time]
    measurements = [
        Measurement(execution_id=claim.pk, attempt=claim.attempt, points=outcome.points)
        for claim, outcome in kept
        # One alone is no picture, and what it says is in the run's own columns.
        if len(outcome.points) > 1
    ]
    files = [
        Artifact(execution_id=claim.pk, attempt=claim.attempt, name=file.name, size=file.size)
        for claim, outcome in kept
        for file in outcome.artifacts
        if is_name(file.name)
    ]
    if measurements:
        Measurement.objects.bulk_create(measurements, batch_size=BATCH)
    if files:
        Artifact.objects.bulk_create(files, batch_size=BATCH)


def _retry_delay(claim: Claim, outcome: Outcome) -> float | None:
    if outcome.state in ("failed", "timeout") and outcome.retryable:
        return retry.delay(claim.attempt, claim.policy, retry_after=outcome.retry_after)
    return None


def _final(outcome: Outcome, now: dt.datetime) -> dict[str, Any]:
    reason = (
        Case(When(~Q(stop_reason=""), then=F("stop_reason")), default=Value(str(Reason.STOPPED)))
        if outcome.state == "stopped"
        else Value(str(Reason.UNSTARTABLE if outcome.state == "error" else Reason.NONE))
    )
    return over(State(outcome.state), Reason.NONE, now) | {"reason": reason}
