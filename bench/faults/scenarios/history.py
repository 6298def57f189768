"""A job with a long history (--size runs) is deleted while others start: 200 a minute."""

from __future__ import annotations

import datetime as dt
import time
from statistics import median
from typing import Any

from django.db import connection

from audit.record import Actor
from bench.faults.installation import eventually
from bench.faults.trial import Trial
from executions.ledger.launch import row
from executions.models import Execution, State, Trigger
from jobs import verbs
from jobs.models import Job

BATCH, LARGEST = 2000, 16_000
UUIDS = {"postgresql": "gen_random_uuid()", "mysql": "UUID()", "sqlite": "lower(hex(randomblob(16)))"}
# Every three seconds each: 200 runs a minute.
OTHERS = 10


def long_job_deleted(trial: Trial) -> None:
    """a job with --size runs is deleted under 200 runs a minute; what that costs the request, and the others"""
    job = trial.by_hand("long")
    _fill(job, trial.size)
    for number in range(OTHERS):
        trial.job(f"other {number}", 3, ahead=12 + number % 3)
    trial.system.start()
    trial.up()
    trial.warm()
    time.sleep(30)
    slowest: list[float] = []
    trial.hurt_at = began = time.time()
    with connection.execute_wrapper(_timing(slowest)):
        verbs.delete(job, by=Actor.system())
    told = time.time() - began
    gone = eventually(lambda: not Job.everything.filter(pk=job.pk).exists(), 900, 1.0)
    if not gone:
        trial.wrong.append("the job's row is still there after 15 minutes")
    ended = time.time()
    trial.notes.append(
        f"{trial.size} runs: the request took {told:.2f} s, its longest statement {max(slowest):.2f} s, "
        f"all {ended - began:.0f} s"
    )
    time.sleep(5)
    for label, first, last in (("before", 0.0, began), ("meanwhile", began, ended)):
        late = _lateness(first, last)
        if late:
            trial.notes.append(
                f"starts {label}: median {median(late):.2f} s, latest {max(late):.2f} s of {len(late)}"
            )
    left = Execution.objects.filter(job_name="long").count()
    if left != trial.size:
        trial.wrong.append(f"{left} of its {trial.size} runs are left")


def _fill(job: Job, count: int) -> None:
    """A few by hand, the others from these by the database."""
    now = dt.datetime.now(dt.UTC)
    runs = []
    for number in range(min(BATCH, count)):
        run = row(job, now - dt.timedelta(minutes=number + 1), now, Trigger.MANUAL)
        run.state, run.started_at, run.finished_at, run.duration = State.SUCCESS, run.due_at, run.due_at, 1.0
        runs.append(run)
    Execution.objects.bulk_create(runs)
    names = [str(field.column) for field in Execution._meta.concrete_fields if not field.primary_key]
    quoted = {name: connection.ops.quote_name(name) for name in names}
    columns = ", ".join(quoted.values())
    values = ", ".join((quoted | {"uid": UUIDS[connection.vendor]}).values())
    made = len(runs)
    with connection.cursor() as cursor:
        while made < count:
            more = min(made, count - made, LARGEST)
            cursor.execute(
                f"INSERT INTO executions_execution ({columns}) SELECT {values} FROM executions_execution "
                f"WHERE job_id = %s LIMIT {more}",
                [job.pk],
            )
            made += more


def _lateness(first: float, last: float) -> list[float]:
    begin, end = (dt.datetime.fromtimestamp(moment, dt.UTC) for moment in (first, last))
    runs = Execution.objects.filter(
        job_name__startswith="other", due_at__gte=begin, due_at__lt=end, started_at__isnull=False
    )
    return [
        (run.started_at - run.due_at).total_seconds()
        for run in runs.only("started_at", "due_at")
        if run.started_at
    ]


def _timing(seconds: list[float]) -> Any:
    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds.append(time.monotonic() - began)

    return timed
