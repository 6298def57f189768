"""How long a run waited and how long it took, as the geometry of a small picture."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from executions.models import Execution

WIDTH = 1000
LEAST = 12  # so much of the width a stretch has that is too short to be seen


@dataclass(frozen=True)
class Timeline:
    """Seconds, and the widths of the two stretches; None where there was no such stretch (yet)."""

    waited: float | None
    took: float | None
    wait_width: int = 0
    run_width: int = 0

    @property
    def run_start(self) -> int:
        return self.wait_width


def of(run: Execution, now: dt.datetime) -> Timeline | None:
    """Nothing for what never was to start: a row of the ledger for times that were skipped or missed."""
    if run.started_at is None and not run.is_open:
        return None
    until = run.started_at or now
    waited = max(0.0, (until - run.due_at).total_seconds())
    if run.started_at is None:
        return Timeline(waited, None, WIDTH, 0)
    took = max(0.0, ((run.finished_at or now) - run.started_at).total_seconds())
    if took + waited == 0:
        return Timeline(waited, took, LEAST, WIDTH - LEAST)
    width = round(WIDTH * waited / (took + waited))
    width = min(max(width, LEAST), WIDTH - LEAST)
    return Timeline(waited, took, width, WIDTH - width)
