"""The health of a job, from its newest runs (one bounded statement) and its totals."""

from __future__ import annotations

import datetime as dt
import math
import statistics
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from accounts.models import User
from accounts.readers import ForReader
from accounts.roles import home_category
from executions.models import Execution, ExecutionQuerySet, State
from executions.monitoring import totals
from jobs.models import Job

LOOKED_AT, SHOWN = 200, 50
# What counts as a run that ended by itself, well or badly; others say nothing of how the job is doing.
FAILED = (State.FAILED, State.TIMEOUT, State.LOST, State.ERROR)
PERCENTILE = 0.95


class Past(NamedTuple):
    """What is needed of a run; the time that it was suspended does not count."""

    uid: uuid.UUID
    state: str
    attempt: int
    due_at: dt.datetime
    finished_at: dt.datetime | None
    took: float | None
    suspended_seconds: float
    peak_memory: int | None
    mean_memory: int | None
    cpu_seconds: float | None

    @property
    def duration(self) -> float | None:
        return None if self.took is None else max(0.0, self.took - self.suspended_seconds)

    @property
    def label(self) -> str:
        return str(State(self.state).label)


@dataclass(frozen=True)
class Health:
    """`runs`: the newest first. `rate`: percent of `rated` runs that ended by themselves. Times are those of good runs.

    `failing_since`: the due time of the first of `failures` in a row; `many`: there may be more before them.
    """

    runs: Sequence[Past] = ()
    rate: float | None = None
    rated: int = 0
    median: float | None = None
    percentile: float | None = None
    last_success: dt.datetime | None = None
    failing_since: dt.datetime | None = None
    failures: int = 0
    many: bool = False
    # The same of all its runs, where there are more than were looked at.
    whole_rate: float | None = None
    whole_rated: int = 0
    shown: Sequence[Past] = field(default=())


def of(job: Job, user: User) -> Health:
    runs = [Past(*values) for values in _newest(user, job.pk)[:LOOKED_AT]]
    ended = [run for run in runs if run.state == State.SUCCESS or run.state in FAILED]
    good = [run for run in ended if run.state == State.SUCCESS]
    streak = _streak(ended)
    last = good[0].finished_at if good else None
    if not good and len(runs) == LOOKED_AT:
        last = _rows(user, job.pk).filter(state=State.SUCCESS).values_list("finished_at", flat=True).first()
    whole_rate, whole_rated = _of_all(job, user) if len(runs) == LOOKED_AT else (None, 0)
    times = sorted(run.duration for run in good if run.duration is not None)
    return Health(
        runs=runs,
        rate=100 * len(good) / len(ended) if ended else None,
        rated=len(ended),
        median=statistics.median(times) if times else None,
        percentile=times[math.ceil(PERCENTILE * len(times)) - 1] if times else None,
        last_success=last,
        failing_since=streak[-1].due_at if streak else None,
        failures=len(streak),
        many=len(streak) == len(ended) and len(runs) == LOOKED_AT,
        whole_rate=whole_rate,
        whole_rated=whole_rated,
        shown=runs[:SHOWN],
    )


def _rows(user: User, job: int) -> ExecutionQuerySet:
    return Execution.objects.visible_to(user).filter(job=job).order_by("-due_at", "-id")


_COLUMNS = ["duration" if name == "took" else name for name in Past._fields]
_newest = ForReader(
    lambda user, job, most=LOOKED_AT: _rows(user, job).values_list(*_COLUMNS)[:most],
    int,
)


def _of_all(job: Job, user: User) -> tuple[float | None, int]:
    """Out of the totals that are kept beside the ledger."""
    rows = Execution.objects.visible_to(user)
    found = totals.of_job(rows, job.uid, home_category(user)).by_state()
    good, bad = (
        sum(found[state].count for state in states if state in found) for states in ((State.SUCCESS,), FAILED)
    )
    return (100 * good / (good + bad) if good + bad else None), good + bad


def _streak(ended: Iterable[Past]) -> list[Past]:
    found = []
    for run in ended:
        if run.state == State.SUCCESS:
            break
        found.append(run)
    return found
