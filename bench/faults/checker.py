"""Compares what should have happened with the ledger and with the traces; knows nothing of Belfry's own arithmetic.

All moments are seconds since 1970 (float); due times are whole seconds.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

NOT_RUN = {"missed", "skipped"}
OPEN = {"queued", "running"}


@dataclass(frozen=True)
class Grid:
    """Due times `first`, `first + every` ... not after `until` (none: the end of the trial)."""

    first: int
    every: int
    until: float | None = None

    def slots(self, end: float) -> list[int]:
        last = math.floor(min(end, self.until) if self.until is not None else end)
        return list(range(self.first, last + 1, self.every))


@dataclass(frozen=True)
class Moments:
    """Due times that somebody wrote down."""

    times: tuple[int, ...]

    def slots(self, end: float) -> list[int]:
        return [slot for slot in self.times if slot <= end]


@dataclass(frozen=True)
class Watched:
    """A job under observation. `repeats`: it may run again after being lost, or has several attempts."""

    name: str
    grids: tuple[Grid | Moments, ...]
    repeats: bool = False
    alone: bool = True

    def slots(self, end: float) -> list[int]:
        return sorted({slot for grid in self.grids for slot in grid.slots(end)})


@dataclass(frozen=True)
class Row:
    """A row of the ledger; it stands for `slots` due times from `slot` to `last`."""

    job: str
    slot: int
    run: str
    state: str
    reason: str = ""
    slots: int = 1
    last: int | None = None
    attempt: int = 1
    finished: float | None = None


@dataclass(frozen=True)
class Trace:
    """A line that a job wrote about itself."""

    event: str
    job: str
    slot: int
    run: str
    attempt: int
    pid: int
    at: float


@dataclass
class Findings:
    """What a trial showed; every list but `late` must be empty for the promise to hold."""

    expected: int = 0
    ran: int = 0
    states: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    disagreement: list[str] = field(default_factory=list)
    # Side by side although the job's rule forbids it: shown, and judged by the trial.
    together: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        kinds = ("missing", "unexpected", "duplicate", "early", "stuck", "disagreement")
        return [f"{kind}: {text}" for kind in kinds for text in getattr(self, kind)]


def check(jobs: Iterable[Watched], rows: Iterable[Row], traces: Iterable[Trace], end: float) -> Findings:
    """Judges all due times up to `end`; later rows and traces are left alone."""
    found = Findings()
    rows_of, traces_of = defaultdict(list), defaultdict(list)
    for row in rows:
        rows_of[row.job].append(row)
    for trace in traces:
        traces_of[trace.job].append(trace)
    for job in jobs:
        judged = [row for row in rows_of[job.name] if row.slot <= end]
        _coverage(found, job, judged, end)
        _runs(found, job, judged, [trace for trace in traces_of[job.name] if trace.slot <= end])
        if job.alone:
            _together(found, job, traces_of[job.name])
    return found


def percentile(values: list[float], share: float) -> float:
    """The nearest rank; 0 for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _coverage(found: Findings, job: Watched, rows: list[Row], end: float) -> None:
    expected = job.slots(end)
    found.expected += len(expected)
    covered: Counter[int] = Counter()
    for row in rows:
        label = row.state + (f"/{row.reason}" if row.reason else "")
        last = row.slot if row.last is None else row.last
        stands_for = [slot for slot in expected if row.slot <= slot <= last]
        covered.update(stands_for)
        found.states[label] += row.slots
        if row.state in OPEN:
            found.stuck.append(f"{job.name} {row.slot} {label}")
        if last <= end and len(stands_for) != row.slots:
            found.unexpected.append(f"{job.name} {row.slot} {label}: {row.slots} for {len(stands_for)}")
    found.missing += [f"{job.name} {slot}" for slot in expected if not covered[slot]]
    found.duplicate += [f"{job.name} {slot} in the ledger" for slot in expected if covered[slot] > 1]


def _runs(found: Findings, job: Watched, rows: list[Row], traces: list[Trace]) -> None:
    by_run = {row.run: row for row in rows}
    starts, ended = defaultdict(list), {trace.run for trace in traces if trace.event == "end"}
    for trace in traces:
        if trace.event == "start":
            starts[trace.slot].append(trace)
    for slot, begun in starts.items():
        found.ran += 1
        found.late.append(begun[0].at - slot)
        attempts = {(trace.run, trace.attempt) for trace in begun}
        if len(begun) > (len(attempts) if job.repeats else 1):
            found.duplicate.append(f"{job.name} {slot} ran {len(begun)} times")
        found.early += [f"{job.name} {slot} by {slot - t.at:.3f} s" for t in begun if t.at < slot]
        row = by_run.get(begun[0].run)
        if row is None or row.slot != slot:
            found.disagreement.append(f"{job.name} {slot} ran, but has no row")
        elif row.state in NOT_RUN and row.reason != "replaced":
            found.disagreement.append(f"{job.name} {slot} ran, but is {row.state}")
    for row in rows:
        if row.state == "success" and row.run not in ended and row.slot in job.slots(row.slot):
            found.disagreement.append(f"{job.name} {row.slot} is a success without an end")


def _together(found: Findings, job: Watched, traces: list[Trace]) -> None:
    ends = {(t.run, t.attempt): t.at for t in traces if t.event == "end"}
    spans = sorted(
        (t.at, ends[t.run, t.attempt]) for t in traces if t.event == "start" and (t.run, t.attempt) in ends
    )
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            found.together.append(f"{job.name} at {start:.1f}")
