"""What is usual for a job, and which runs are not: figures of its last good runs.

Run times and memory vary by factors, so all is done with logarithms; median and median absolute deviation, since a few odd runs
among them must not decide what is usual (Huber and Ronchetti, Robust Statistics, 2nd ed., 5.1). No ORM, no clock.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# The most successful runs that are used; with fewer than the second number there is no alert.
WINDOW, LEARNING = 50, 10
# From the median absolute deviation to the standard deviation of a normal distribution.
SIGMA = 1.4826
# So many of these lie between the median and a bound: of 500 runs with normal jitter none is beyond it.
WIDTH = 4.2

Verdict = Literal["", "high", "low"]


@dataclass(frozen=True)
class Measure:
    """How one quantity is judged. `least`: smaller differences tell nobody, whatever the factor.

    `up`, `down`: bounds are at least the first and at most the second factor away from the median; without `down` nothing is
    too small.
    """

    least: float
    up: tuple[float, float]
    down: tuple[float, float] | None = None


SECONDS = Measure(least=0.5, up=(2.0, 2.5), down=(3.0, 8.0))
BYTES = Measure(least=16 * 2**20, up=(1.5, 2.0))


@dataclass(frozen=True)
class Usual:
    """Of `count` good runs. `spread` is a factor: two thirds of the runs lie between median / spread and median * spread."""

    count: int
    median: float
    spread: float
    low: float
    high: float

    @property
    def is_learning(self) -> bool:
        return self.count < LEARNING

    def verdict(self, value: float) -> Verdict:
        """Whether a run is far from what is usual; while that is being learned, none is."""
        if self.is_learning:
            return ""
        return "high" if value > self.high else "low" if value < self.low else ""


def usual(values: Sequence[float], measure: Measure) -> Usual:
    """Of the values of good runs, the newest first; those beyond the window do not count."""
    window = values[:WINDOW]
    if not window:
        return Usual(0, 0.0, 1.0, 0.0, math.inf)
    median = statistics.median(window)
    middle = _log(median, measure)
    sigma = SIGMA * statistics.median(abs(_log(value, measure) - middle) for value in window)
    high = max(math.exp(middle + _width(sigma, measure.up)), median + measure.least)
    low = 0.0
    if measure.down:
        low = max(0.0, min(math.exp(middle - _width(sigma, measure.down)), median - measure.least))
    return Usual(len(window), median, math.exp(sigma), low, high)


def _log(value: float, measure: Measure) -> float:
    """Values below the least difference are all the same."""
    return math.log(max(value, measure.least))


def _width(sigma: float, factors: tuple[float, float]) -> float:
    nearest, farthest = map(math.log, factors)
    return min(max(WIDTH * sigma, nearest), farthest)
