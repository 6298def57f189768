"""Dependencies: the end of a run starts the downstream jobs of its job, in the transaction that writes the end.

A run has ended when it got its final state after its last attempt. What it starts, by its state:

- `success`: edges on success and on finish;
- `failed`, `timeout`, `lost`, `error`: edges on failure and on finish;
- `stopped`, by hand or by a later run that took its place, or lost when it was to be stopped: edges on finish only. A run
  that was stopped before it began has not run: it starts nothing, and neither do missed and skipped due times.

Each edge fires once for each run; `(caused_by, job)` is unique. The row that is written obeys its job's overlap rule, pause,
end date and start deadline. It is announced after the commit, else by the reconciler.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from executions.ledger import definitions
from executions.ledger.launch import row
from executions.ledger.limits.overlap import apply_overlap
from executions.ledger.publish import publish
from executions.models import OPEN, Execution, Reason, State, Trigger
from jobs import code_permission
from jobs.models import Dependency, Job
from scheduler_site.lib.database.errors import passes

log = logging.getLogger("executions.ledger.downstream")

On = Dependency.On
FAILED = (State.FAILED, State.TIMEOUT, State.LOST, State.ERROR)


@dataclass(frozen=True)
class End:
    """A run (its key) of a job (its key) that got a final state; `stopped` when somebody had asked for that."""

    run: int
    job: int | None
    state: str
    stopped: bool = False

    def fires(self, on: str) -> bool:
        if on == On.FINISH:
            return self.state in (State.SUCCESS, State.STOPPED, *FAILED)
        if self.stopped:
            return False
        return self.state == State.SUCCESS if on == On.SUCCESS else self.state in FAILED


@dataclass(frozen=True)
class DownstreamJobs:
    """The edges that lead on from some jobs, and the jobs that they lead to."""

    edges: Sequence[Dependency] = ()
    jobs: dict[int, Job] = field(default_factory=dict)


def of(jobs: Iterable[int | None]) -> DownstreamJobs:
    """The followers of jobs (by their keys): one query where there are none; else they are locked.

    To be called in the transaction of the end, before it changes a run: whoever locks both locks jobs before runs.
    """
    keys = {job for job in jobs if job is not None}
    edges = list(Dependency.objects.filter(after__in=keys).order_by("id")) if keys else []
    if not edges:
        return DownstreamJobs()
    locked = Job.objects.select_for_update().filter(pk__in={edge.job_id for edge in edges}).order_by("pk")
    return DownstreamJobs(edges, {job.pk: job for job in locked})


def start(followers: DownstreamJobs, ends: Iterable[End], now: dt.datetime) -> None:
    """Writes a row for each edge that the ends fire."""
    fired = [
        (followers.jobs[edge.job_id], end.run)
        for end in ends
        for edge in followers.edges
        if edge.after_id == end.job and end.fires(edge.on) and edge.job_id in followers.jobs
    ]
    if not fired:
        return
    keys, runs = {job.pk for job, _run in fired}, {run for _job, run in fired}
    paused = set(Job.objects.paused().filter(pk__in=keys).values_list("pk", flat=True))
    counted = {job.pk for job, _run in fired if job.overlap != Job.Overlap.ALLOW}
    present = Execution.objects.filter(
        Q(state__in=OPEN, job__in=counted) | Q(caused_by__in=runs, job__in=keys)
    )
    known = list(present.only("pk", "job_id", "state", "caused_by_id").order_by("due_at", "id"))
    written: list[Execution] = []
    for job, run in fired:
        theirs = [one for one in known if one.job_id == job.pk]
        if any(one.caused_by_id == run for one in theirs):
            continue
        if execution := _write(job, run, [one for one in theirs if one.is_open], job.pk in paused, now):
            known.append(execution)
            written.append(execution)
    if waiting := [one for one in written if one.state == State.QUEUED and not one.held]:
        transaction.on_commit(partial(publish, waiting))


def _write(
    job: Job, run: int, open_runs: list[Execution], paused: bool, now: dt.datetime
) -> Execution | None:
    try:
        with transaction.atomic():
            execution = row(job, now, now, Trigger.DEPENDENCY)
            execution.caused_by_id = run
            execution.start_before = now + dt.timedelta(seconds=job.start_deadline)
            suspended = code_permission.why(job)
            if suspended or paused or job.has_ended:
                execution.state = State.SKIPPED
                execution.reason = Reason.OWNER if suspended else Reason.PAUSED if paused else Reason.ENDED
                execution.error = str(Job.Suspension(suspended).label) if suspended else ""
                execution.finished_at = now
            else:
                apply_overlap(job, [execution], open_runs, now)
            definitions.keep([execution])
            execution.save(force_insert=True)
            return execution
    except Exception as error:
        if passes(error):
            raise
        # That a run has ended is on record whatever is wrong with the job that follows.
        log.exception("follower_unwritable", extra={"job": job.name, "run": run})
        return None


@dataclass(frozen=True)
class Chain:
    """What a run came from and what it led to, as far as the reader may see. `hidden`: it came from one that he may not."""

    cause: Execution | None = None
    hidden: bool = False
    started: Sequence[Execution] = ()


def chain(execution: Execution, user: User) -> Chain:
    """The run that triggered this one and the runs that this one triggered, as far as the user sees them."""
    seen = Execution.objects.visible_to(user).defer("definition", "result", "error")
    near = seen.filter(Q(caused_by=execution) | Q(pk=execution.caused_by_id or 0)).order_by("id")
    found = list(near.select_related("job"))
    cause = next((one for one in found if one.pk == execution.caused_by_id), None)
    started = [one for one in found if one.caused_by_id == execution.pk]
    return Chain(cause, cause is None and execution.caused_by_id is not None, started)
