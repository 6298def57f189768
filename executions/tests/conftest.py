"""The ledger in tests: announcements are collected instead of sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from executions.ledger import claims, downstream, launch
from executions.ledger.due.tick import tick
from executions.ledger.limits import concurrency, holds, overlap
from executions.models import Execution
from executions.upkeep import reconcile
from executions.values import Claim
from executions.worker import worker
from jobs.models import Job
from jobs.tests.factories import moment
from scheduler_site.lib import clock

WORKER = "worker-1"


@dataclass
class Ledger:
    """What was announced to the workers, and short words for what tests do."""

    announced: list[Execution] = field(default_factory=list)

    def announce(self, runs: Iterable[Execution]) -> bool:
        runs = list(runs)
        self.announced += runs
        Execution.objects.filter(uid__in=[run.uid for run in runs]).update(
            published_at=dt.datetime.now(dt.UTC)
        )
        return True

    def tick(self, now: str) -> int:
        return tick(moment(now), self.announce)

    def rows(self, job: Job) -> list[Execution]:
        return list(Execution.objects.filter(job_uid=job.uid).order_by("due_at", "id"))

    def fates(self, job: Job) -> list[str]:
        """`10:00 queued` for each row, with its reason where it has one."""
        return [f"{row.due_at:%H:%M} {row.state} {row.reason}".strip() for row in self.rows(job)]

    def claim(self, run: Execution, now: str, worker: str = WORKER) -> list[Claim]:
        return claims.claim([str(run.uid)], worker, moment(now))


@pytest.fixture
def ledger(db: None, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger()
    for module in (worker, downstream, overlap, holds, launch, concurrency, reconcile):
        monkeypatch.setattr(module, "publish", ledger.announce)
    return ledger


class Hands:
    """The wall clock in the hands of a test."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched

    def at(self, text: str) -> None:
        self._patched.setattr(clock, "now", lambda: moment(text))


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)
