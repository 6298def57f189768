"""Detects successful runs that took far longer, far shorter or far more memory than usual (baseline.py).

Judged when a run ends, in one place and with one bounded query, for jobs that want it; others cost nothing. Like every
change of state this makes an `AlertCondition`, which the reconciler tells once, and once more when a later run was as usual.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db.models import Exists

from executions.alerting import baseline
from executions.alerting.baseline import Measure, Usual
from executions.models import AlertCondition, Execution, State
from jobs.runners import Outcome

if TYPE_CHECKING:
    from executions.values import Claim

Kind = AlertCondition.Kind
What = Literal["duration", "memory"]
MEASURES: dict[What, Measure] = {"duration": baseline.SECONDS, "memory": baseline.BYTES}
KINDS: dict[What, dict[str, AlertCondition.Kind]] = {
    "duration": {"high": Kind.SLOW, "low": Kind.QUICK},
    "memory": {"high": Kind.MEMORY},
}
ALL = tuple(kind for sides in KINDS.values() for kind in sides.values())
# Among so many of the newest rows of a job its good runs are looked for.
LOOKED_AT = 200


@dataclass(frozen=True)
class Run:
    """What is measured of a run. `is_good`: it succeeded at the first attempt, so that its time is that of the job itself."""

    pk: int
    is_good: bool
    duration: float | None
    memory: int | None

    def value(self, what: What) -> float | None:
        return self.duration if what == "duration" else self.memory


def wanted(claim: Claim, outcome: Outcome) -> list[What]:
    """What is to be judged about this run; asks no database."""
    if outcome.state != "success" or claim.attempt != 1:
        return []
    found: list[What] = claim.policy.get("alerts", {}).get("baselines", [])
    return [what for what in found if what in MEASURES]


def judge(claim: Claim, what: Sequence[What], now: dt.datetime) -> None:
    """Records where this run was unusual, and where it was as usual again. The run's end is in the ledger already."""
    if not what or claim.job is None:
        return
    runs, watched = _recent(claim.job)
    own = next((run for run in runs if run.pk == claim.pk), None)
    others = [run for run in runs if run.pk != claim.pk]
    bad: list[AlertCondition] = []
    well: list[AlertCondition.Kind] = []
    for one in what:
        value, usual = own.value(one) if own else None, of(others, one)
        if value is None or usual.is_learning:
            continue
        verdict = usual.verdict(value)
        for side, kind in KINDS[one].items():
            if side == verdict:
                bad.append(_condition(claim, kind, value, usual))
            else:
                well.append(kind)
    _note(claim.job, bad, well if watched else [], now)


def figures(runs: Sequence[Run]) -> dict[What, Usual]:
    """What is usual for a job with these newest runs; without what was never measured."""
    found = {what: of(runs, what) for what in MEASURES}
    return {what: usual for what, usual in found.items() if usual.count}


def of(runs: Sequence[Run], what: What) -> Usual:
    values = [value for run in runs if run.is_good and (value := run.value(what)) is not None]
    return baseline.usual(values, MEASURES[what])


def _recent(job_pk: int) -> tuple[list[Run], bool]:
    """The newest runs of a job, and whether it is watched because of one of them: one statement, bounded by LOOKED_AT."""
    watched = Exists(AlertCondition.objects.filter(job_id=job_pk, kind__in=ALL))
    names = ("pk", "state", "attempt", "duration", "suspended_seconds", "peak_memory", "watched")
    rows = Execution.objects.filter(job_id=job_pk).order_by("-due_at", "-id").annotate(watched=watched)
    found = list(rows.values_list(*names)[:LOOKED_AT])
    runs = [
        Run(
            pk,
            state == State.SUCCESS and attempt == 1,
            None if duration is None else max(0.0, duration - stood_still),
            memory,
        )
        for pk, state, attempt, duration, stood_still, memory, _ in found
    ]
    return runs, any(row[-1] for row in found)


def _condition(claim: Claim, kind: AlertCondition.Kind, value: float, usual: Usual) -> AlertCondition:
    numbers = {
        "value": value,
        "median": usual.median,
        "low": usual.low,
        "high": usual.high,
        "count": usual.count,
    }
    return AlertCondition(
        subject=claim.spec.job_id,
        kind=kind,
        job_id=claim.job,
        since=claim.started_at,
        execution_uid=claim.uid,
        details=numbers,
    )


def _note(job_pk: int, bad: list[AlertCondition], well: list[AlertCondition.Kind], now: dt.datetime) -> None:
    mine = AlertCondition.objects.filter(job_id=job_pk)
    if bad:
        # One that had ended, which nobody was told of yet, goes on.
        mine.filter(kind__in=[condition.kind for condition in bad], over_at__isnull=False).update(
            over_at=None
        )
        AlertCondition.objects.bulk_create(bad, ignore_conflicts=True)
    if well:
        mine.filter(kind__in=well, over_at=None).update(over_at=now)
