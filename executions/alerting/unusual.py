"""Runs that ended well, but unlike those before them: far longer, far shorter, with far more memory (baseline.py).

Judged when a run ends, in one place and with one bounded query, for jobs that want it; others cost nothing. Like every
change of state this makes a `Watch`, which the reconciler tells once, and once more when a later run was as usual.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db.models import Exists

from executions.alerting import baseline
from executions.alerting.baseline import Measure, Usual
from executions.models import Execution, State, Watch
from jobs.runners import Outcome

if TYPE_CHECKING:
    from executions.values import Claim

Clock = Watch.Clock
What = Literal["duration", "memory"]
MEASURES: dict[What, Measure] = {"duration": baseline.SECONDS, "memory": baseline.BYTES}
CLOCKS: dict[What, dict[str, Watch.Clock]] = {
    "duration": {"high": Clock.SLOW, "low": Clock.QUICK},
    "memory": {"high": Clock.MEMORY},
}
ALL = tuple(clock for clocks in CLOCKS.values() for clock in clocks.values())
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
    """Watches the job where this run was unusual, and notes where it was as usual again. The run's end is on record already."""
    if not what or claim.job is None:
        return
    runs, watched = _recent(claim.job)
    own = next((run for run in runs if run.pk == claim.pk), None)
    others = [run for run in runs if run.pk != claim.pk]
    bad: list[Watch] = []
    well: list[Watch.Clock] = []
    for one in what:
        value, usual = own.value(one) if own else None, of(others, one)
        if value is None or usual.is_learning:
            continue
        verdict = usual.verdict(value)
        for kind, clock in CLOCKS[one].items():
            if kind == verdict:
                bad.append(_watch(claim, clock, value, usual))
            else:
                well.append(clock)
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
    watched = Exists(Watch.objects.filter(job_id=job_pk, clock__in=ALL))
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


def _watch(claim: Claim, clock: Watch.Clock, value: float, usual: Usual) -> Watch:
    numbers = {
        "value": value,
        "median": usual.median,
        "low": usual.low,
        "high": usual.high,
        "count": usual.count,
    }
    return Watch(
        subject=claim.spec.job_id,
        clock=clock,
        job_id=claim.job,
        since=claim.started_at,
        execution_uid=claim.uid,
        details=numbers,
    )


def _note(job_pk: int, bad: list[Watch], well: list[Watch.Clock], now: dt.datetime) -> None:
    mine = Watch.objects.filter(job_id=job_pk)
    if bad:
        # One that had ended, which nobody was told of yet, goes on.
        mine.filter(clock__in=[watch.clock for watch in bad], over_at__isnull=False).update(over_at=None)
        Watch.objects.bulk_create(bad, ignore_conflicts=True)
    if well:
        mine.filter(clock__in=well, over_at=None).update(over_at=now)
