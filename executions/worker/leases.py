"""Renews the leases of a worker's runs, in a thread of its own, so that nothing else can delay it.

The lease of a run that continues long after its timeout is not renewed, so that the run ends even if its thread hangs.

An attempt that hangs is given up in time for others: the connection of this thread waits for an answer for WAIT_SECONDS,
however long DATABASE_STATEMENT_TIMEOUT is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection, transaction

from executions.ledger.claims import LEASE
from executions.models import Execution, State
from executions.worker.active_runs import ActiveRun
from scheduler_site.lib import clock
from scheduler_site.lib.database.address import hurried

RENEW_SECONDS = 10.0
WAIT_SECONDS = 8


class Leases:
    """`step` is called every second, by a thread that does nothing else."""

    def __init__(self, worker: str, runs: Callable[[], list[ActiveRun]]) -> None:
        self._worker, self._runs = worker, runs
        self._next = 0.0
        self._is_hurried = False

    def step(self) -> None:
        if time.monotonic() < self._next:
            return
        if not self._is_hurried:
            connection.settings_dict = hurried(connection.settings_dict, WAIT_SECONDS)
            self._is_hurried = True
        runs = [active for active in self._runs() if not active.overdue]
        if runs and self.renew(runs):
            self._next = time.monotonic() + RENEW_SECONDS

    def renew(self, runs: list[ActiveRun]) -> bool:
        """Renews all leases in one statement; runs that are not ours any more are ended here as well.

        False when somebody else was changing some of the rows: those are tried again at once, not only after a period.
        """
        began = time.monotonic()
        by_key = {(active.claim.pk, active.claim.attempt): active for active in runs}
        mine = Execution.objects.filter(
            pk__in=[pk for pk, _attempt in by_key], worker=self._worker, state=State.RUNNING
        )
        with transaction.atomic():
            renewed = mine.locked_attempts(skip=True) & by_key.keys()
            rows = Execution.objects.filter(pk__in=[pk for pk, _attempt in renewed])
            rows.update(lease_until=clock.now() + LEASE)
        for key in renewed:
            by_key[key].leased_at = max(by_key[key].leased_at, began)
        if len(renewed) == len(by_key):
            return True
        still_mine = set(mine.values_list("pk", "attempt"))
        for key in by_key.keys() - still_mine:
            by_key[key].cancel()
        return not still_mine - renewed
