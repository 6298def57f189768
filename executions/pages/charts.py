"""The geometry of the small drawings; templates turn it into SVG."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol, TypeVar

from executions.models import BAD, OPEN, ExecutionQuerySet, State
from executions.monitoring.quarter_hours import QUARTER, begin_of, counted

QUARTERS = 96
HEIGHT = 100  # of the view box; a column is one unit wide
# How a value is said.
Label = Callable[[float], str]
GROUPS = ("success", "bad", "other", "open")


@dataclass(frozen=True)
class Part:
    group: str
    y: float
    height: float


@dataclass
class Column:
    """A quarter of an hour: how many due times ended in which group, and the stacked parts that show it."""

    begin: dt.datetime
    counts: dict[str, int]
    parts: list[Part] = field(default_factory=list)

    @cached_property
    def total(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def query(self) -> str:
        """Of the list of executions: those that it counts."""
        return f"start={self.begin:%Y-%m-%dT%H:%MZ}&end={self.begin + QUARTER:%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    top: int

    @property
    def totals(self) -> dict[str, int]:
        return {group: sum(column.counts[group] for column in self.columns) for group in GROUPS}


def last_quarters(rows: ExecutionQuerySet, now: dt.datetime, category: int | None = None) -> Chart:
    """The last 24 hours in quarters, the present one included; of all runs, or of those of a category."""
    present = begin_of(now)
    begins = [present - QUARTER * back for back in range(QUARTERS - 1, -1, -1)]
    found = counted(rows, category, begins[0], now)
    columns = [Column(begin, _grouped(found.get(begin, {}))) for begin in begins]
    top = max(*(column.total for column in columns), 1)
    for column in columns:
        column.parts = _stacked(column.counts, top)
    return Chart(columns, top)


def group_of(state: str) -> str:
    """`success`, `bad`, `open` or `other`: the colour of a state in charts."""
    if state in BAD:
        return "bad"
    if state in OPEN:
        return "open"
    return "success" if state == State.SUCCESS else "other"


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


# Plots with axes ------------------------------------------------------------------------------------------------------

# The view box, and the frame in it, in which the values are; the rest is for the labels of the axes.
PLOT_WIDTH, PLOT_HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 62, 348, 10, 124
FRAME_WIDTH = RIGHT - LEFT
# How far apart labels may lie, where it is not a power of ten: 1, 2, 5 of numbers, and what clocks have.
CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST_TICKS = 4


@dataclass(frozen=True)
class Tick:
    at: float
    label: str
    anchor: str = "middle"


class Dated(Protocol):
    @property
    def state(self) -> str: ...

    @property
    def due_at(self) -> dt.datetime: ...


Shown = TypeVar("Shown", bound=Dated)


@dataclass(frozen=True)
class RunColumn:
    """A value of one run."""

    group: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Band:
    """Between which values a run is as usual: its place in the view box."""

    y: float
    height: float


@dataclass(frozen=True)
class Plot:
    """Values over time, or of one run after the other: places in the view box, labels for people."""

    up: list[Tick]
    across: list[Tick] = field(default_factory=list)
    line: str = ""
    area: str = ""
    columns: list[RunColumn] = field(default_factory=list)
    band: Band | None = None

    @property
    def paths(self) -> dict[str, str]:
        """The columns as data of an SVG path, by group: a page draws a hundred of them."""
        found: dict[str, str] = {}
        for one in self.columns:
            drawn = f"M{one.x} {one.y}h{one.width}v{one.height}h-{one.width}z"
            found[one.group] = found.get(one.group, "") + drawn
        return found


def over_time(points: Sequence[tuple[float, float]], label: Label, seconds: Label) -> Plot:
    """A line through at least two points (seconds since the start, value)."""
    last, top, step = points[-1][0] or 1.0, *_scale(value for _, value in points)
    places = [(_across(x / last), _up(y / top)) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"{LEFT},{BOTTOM} {line} {places[-1][0]:.1f},{BOTTOM}"
    apart = _clock_step(last)
    across = [Tick(round(_across(at / last), 1), seconds(at)) for at in _steps(last, apart)]
    return Plot(_ticks(top, step, label), across, line, area)


def of_runs(
    runs: Sequence[Shown],
    value: Callable[[Shown], float | None],
    label: Label,
    usual: tuple[float, float] | None = None,
    due: Callable[[Shown], str] = lambda run: f"{run.due_at:%Y-%m-%d %H:%M}",
) -> Plot:
    """A column for each run, given the newest first and drawn oldest first; those without a value leave a gap.

    `usual` are the bounds of the band behind them; it is cut off where it would leave little room to the columns.
    """
    values = [(run, value(run)) for run in reversed(runs)]
    known = [number for _, number in values if number is not None]
    largest = max(known, default=0.0)
    top, step = _scale([*known, usual[1]] if usual and usual[1] <= 3 * largest else known)
    room = (RIGHT - LEFT) / max(len(values), 1)
    columns = [
        _column(group_of(run.state), index * room, room * 0.72, number / top)
        for index, (run, number) in enumerate(values)
        if number is not None
    ]
    ends = [Tick(LEFT, due(runs[-1]), "start"), Tick(RIGHT, due(runs[0]), "end")]
    return Plot(_ticks(top, step, label), ends, columns=columns, band=_band(usual, top) if usual else None)


def load(points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Percent of one processor, between each measurement and the next: (seconds, percent)."""
    pairs = pairwise(points)
    return [
        (end[0], max(0.0, end[2] - begin[2]) / (end[0] - begin[0]) * 100)
        for begin, end in pairs
        if end[0] > begin[0]
    ]


def _column(group: str, x: float, width: float, share: float) -> RunColumn:
    y = min(_up(share), BOTTOM - 1.0)
    return RunColumn(group, round(LEFT + x, 1), round(y, 1), round(width, 1), round(BOTTOM - y, 1))


def _band(usual: tuple[float, float], top: float) -> Band:
    upper, lower = (_up(min(1.0, bound / top)) for bound in reversed(usual))
    return Band(round(upper, 1), round(lower - upper, 1))


def _scale(values: Iterable[float]) -> tuple[float, float]:
    """Where the axis ends, and how far its labels are apart: 1, 2 or 5 times a power of ten."""
    largest = max(values, default=0.0) or 1.0
    power = 10 ** math.floor(math.log10(largest / MOST_TICKS))
    step = next(one * power for one in (1, 2, 5, 10, 20) if one * power * MOST_TICKS >= largest)
    return math.ceil(round(largest / step, 9)) * step, step


def _clock_step(last: float) -> float:
    if last < MOST_TICKS:
        return _scale([last])[1]
    days = math.ceil(last / MOST_TICKS / 86400) * 86400
    return next((step for step in CLOCK_STEPS if step * MOST_TICKS >= last), days)


def _steps(last: float, apart: float) -> list[float]:
    return [apart * number for number in range(math.floor(last / apart + 1e-9) + 1)]


def _ticks(top: float, step: float, label: Label) -> list[Tick]:
    return [Tick(round(_up(at / top), 1), label(at)) for at in _steps(top, step)]


def _across(share: float) -> float:
    return LEFT + share * (RIGHT - LEFT)


def _up(share: float) -> float:
    return BOTTOM - share * (BOTTOM - TOP)
