"""The geometry of the small drawings; templates turn it into SVG."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from executions.models import BAD, OPEN, Execution, ExecutionQuerySet, State
from executions.statistics import per_hour

HOURS = 24
WIDTH, HEIGHT = 24, 100  # of the view box; a column is one unit wide
GROUPS = ("success", "bad", "other", "open")
SPARK_STEP, SPARK_MIDDLE = 5, 12


@dataclass(frozen=True)
class Part:
    group: str
    y: float
    height: float


@dataclass
class Column:
    """One hour: how many due times ended in which group, and the stacked parts that show it."""

    hour: dt.datetime
    counts: dict[str, int]
    parts: list[Part] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    top: int

    @property
    def totals(self) -> dict[str, int]:
        return {group: sum(column.counts[group] for column in self.columns) for group in GROUPS}


@dataclass(frozen=True)
class Bar:
    """One run of a sparkline: upwards when it went well, downwards when it did not, a tick when it did not run."""

    x: int
    y: float
    height: float
    state: str


def last_hours(rows: ExecutionQuerySet, now: dt.datetime) -> Chart:
    """The last 24 hours, the present one included."""
    present = now.replace(minute=0, second=0, microsecond=0)
    hours = [present - dt.timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    counted = per_hour(rows.filter(due_at__lte=now), hours[0])
    columns = [Column(hour, _grouped(counted.get(hour, {}))) for hour in hours]
    top = max(*(column.total for column in columns), 1)
    for column in columns:
        column.parts = _stacked(column.counts, top)
    return Chart(columns, top)


def group_of(state: str) -> str:
    if state in BAD:
        return "bad"
    if state in OPEN:
        return "open"
    return "success" if state == State.SUCCESS else "other"


def spark(runs: Sequence[Execution]) -> list[Bar]:
    """The runs given newest first, drawn oldest first; the height tells the duration, on a logarithmic scale."""
    longest = max((math.log1p(run.duration or 0) for run in runs), default=0) or 1
    return [_bar(index, run, longest) for index, run in enumerate(reversed(runs))]


def _bar(index: int, run: Execution, longest: float) -> Bar:
    x, group = index * SPARK_STEP, group_of(run.state)
    if group == "other":
        return Bar(x, SPARK_MIDDLE - 1, 2, run.state)
    height = 3 + 8 * math.log1p(run.duration or 0) / longest
    return Bar(
        x, SPARK_MIDDLE if group == "bad" else round(SPARK_MIDDLE - height, 1), round(height, 1), run.state
    )


def _grouped(counts: dict[str, int]) -> dict[str, int]:
    grouped = dict.fromkeys(GROUPS, 0)
    for state, count in counts.items():
        grouped[group_of(state)] += count
    return grouped


def _stacked(counts: dict[str, int], top: int) -> list[Part]:
    parts, floor = [], float(HEIGHT)
    for group in GROUPS:
        if counts[group]:
            # One failure among thousands must not be too thin to see.
            height = max(counts[group] / top * HEIGHT, 1.5)
            floor = max(floor - height, 0.0)
            parts.append(Part(group, round(floor, 2), round(height, 2)))
    return parts
