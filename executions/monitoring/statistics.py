"""Statistics over the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from executions.models import NOT_RUN, OPEN, State
from executions.monitoring.totals import RunFilter, Sums


@dataclass(frozen=True)
class Statistics:
    """How runs ended. Missed and skipped due times are no runs; waiting ones count as running (v2 wire facts, section 9)."""

    total: int
    success: int
    failed: int
    running: int
    mean_success_duration: float | None
    mean_duration: float | None

    @property
    def success_rate(self) -> float:
        """Percent of all runs, 0 when there is none."""
        return self.success / self.total * 100 if self.total else 0.0


def of(choice: RunFilter) -> Statistics:
    """The statistics of the runs that are asked for."""
    counts = {state: sums for state, sums in choice.by_state().items() if state not in NOT_RUN}
    all_of_them, well = sum(counts.values(), Sums()), counts.get(State.SUCCESS, Sums())
    running = sum(counts[state].count for state in OPEN if state in counts)
    failed = all_of_them.count - well.count - running
    return Statistics(all_of_them.count, well.count, failed, running, _mean(well), _mean(all_of_them))


def _mean(sums: Sums) -> float | None:
    return sums.micros / sums.timed / 1_000_000 if sums.timed else None
