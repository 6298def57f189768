"""The arithmetic of the table, and the table. Knows neither Belfry nor a database."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.faults.checker import percentile

Sign = Literal["<=", ">=", "<"]
_HOLDS: dict[Sign, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
}
COLUMNS = (("row", 13), ("what", 47), ("Belfry", 11), ("other", 11), ("ratio", 8), ("target", 9), ("", 6))


@dataclass(frozen=True)
class Target:
    """What is wished for: of the ratio, or of Belfry's own figure."""

    sign: Sign
    bound: float
    of: Literal["ratio", "value"] = "ratio"

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Line:
    """One comparison: the figures of each repeat, Belfry's and the other side's (none: there is no other side).

    `unit` is that of both; `note` says what was run when that is not clear from the row.
    """

    what: str
    unit: str
    ours: Sequence[float]
    others: Sequence[float] = ()
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of the repeats' ratios; where the repeats do not pair up, the ratio of the medians."""
        if not self.ours or not self.others or not all(self.others):
            return None
        if len(self.ours) == len(self.others):
            return statistics.median(a / b for a, b in zip(self.ours, self.others, strict=True))
        return statistics.median(self.ours) / statistics.median(self.others)

    @property
    def met(self) -> bool | None:
        """None where there is no target, or nothing to hold against it."""
        figure = self.ratio if self.target and self.target.of == "ratio" else median(self.ours)
        return (
            None
            if self.target is None or figure is None
            else _HOLDS[self.target.sign](figure, self.target.bound)
        )


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def spread(values: Sequence[float]) -> dict[str, float]:
    """The percentiles that tables show, by their names. Raises ValueError for no values: nothing is not fast."""
    if not values:
        raise ValueError("There is nothing to take percentiles of.")
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: percentile(list(values), share) for name, share in shares.items()}


def number(value: float | None, unit: str = "") -> str:
    """Three digits that mean something, then the unit."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
    text = f"{value:.{digits}f}"
    if digits == 4:
        text = text.rstrip("0").rstrip(".") or "0"
    return f"{text} {unit}".strip()


def heading() -> str:
    return _cells([name for name, _ in COLUMNS])


def render(row: str, line: Line) -> str:
    """A line of the table, with the raw figures below it."""
    ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
    verdict = {True: "met", False: "MISSED", None: ""}[line.met]
    figures = [number(median(values), line.unit) for values in (line.ours, line.others)]
    first = _cells([row, line.what, *figures, ratio, str(line.target or ""), verdict])
    raw = " | ".join(" ".join(number(value) for value in side) for side in (line.ours, line.others) if side)
    return f"{first}\n{'':14}raw {raw}" + (f"   ({line.note})" if line.note else "")


def _cells(texts: Sequence[str]) -> str:
    aligned = [
        f"{text:<{width}}" if index < 2 else f"{text:>{width}}"
        for index, (text, (_, width)) in enumerate(zip(texts, COLUMNS, strict=True))
    ]
    return " ".join(aligned).rstrip()
