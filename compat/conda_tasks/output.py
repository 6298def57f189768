"""What runs wrote, as this dialect shows it: all of one run, or the end of many."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max
from django.db.models.functions import Right

from compat.conda_tasks import wire
from executions.models import Execution, LogChunk
from jobs.models import Job

# Characters of the end that are shown of runs other than the last, and of how many of them.
SHORTENED, MOST = 500, 100


def whole(run: Execution, job: Job) -> str:
    """All attempts, one after the other; the ledger keeps at most some 9 MB of each."""
    texts = LogChunk.objects.filter(execution=run).order_by("id").values_list("text", flat=True)
    return wire.explained(run, wire.without_overwritten("".join(texts)), job.environment)


def ends(runs: Sequence[Execution], job: Job) -> dict[int, str]:
    """The last words of the newest of these runs of a job, which come oldest first."""
    newest = {run.pk: run for run in runs[-MOST:]}
    last = LogChunk.objects.filter(execution__in=list(newest)).order_by().values("execution")
    keys = [row["last"] for row in last.annotate(last=Max("id"))]
    rows = LogChunk.objects.filter(pk__in=keys).annotate(end=Right("text", SHORTENED))
    texts = dict(rows.values_list("execution_id", "end"))
    return {
        key: wire.explained(run, wire.without_overwritten(texts.get(key, "")), job.environment)
        for key, run in newest.items()
    }
