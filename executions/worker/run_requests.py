"""Requests of users for the active runs of a worker: stop, suspend, continue."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from executions.models import Execution
from executions.worker.active_runs import ActiveRun


def apply_requests(runs: Sequence[ActiveRun]) -> None:
    """Reads the requests and passes them to the runs; the query returns only runs with a request."""
    stop = Q(stop_requested_at__isnull=False) | Q(job=None)
    asked = Execution.objects.filter(
        stop | Q(suspended_at__isnull=False), pk__in=[active.claim.pk for active in runs]
    )
    stopping, still = set[int](), set[tuple[int, int]]()
    for pk, attempt, stop_requested_at, job in asked.values_list("pk", "attempt", "stop_requested_at", "job"):
        if stop_requested_at or job is None:
            stopping.add(pk)
        else:
            still.add((pk, attempt))
    for active in runs:
        if active.claim.pk in stopping:
            active.stop()
        else:
            active.suspend((active.claim.pk, active.claim.attempt) in still)
