"""Opens and closes the incidents of jobs, from the ends of runs and from alert conditions.

Whether a job is well is asked of the ledger, never counted beside it: whoever asks, however often, gets the same answer.
A worker asks when a run ends well whose job had an open incident at its claim; the reconciler asks for all others.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery

from executions.models import AlertCondition, Execution, State
from incidents import lifecycle, notify
from incidents.lifecycle import CALM_RUNS, Problem
from incidents.models import Incident, IncidentQuerySet
from jobs.changes.incidents import concerned
from jobs.models import Job

Kind = Incident.Kind
# How a run ends that says something about its job: what was stopped, skipped or missed does not.
TELLING = (State.SUCCESS, State.FAILED, State.TIMEOUT, State.ERROR, State.LOST)
AT_ONCE = 500
# Of a run that is claimed: whether its job has an incident that is open.
OPEN_OF_ITS_JOB = Exists(Incident.objects.filter(open_job=OuterRef("job_uid")))
KINDS: dict[str, Kind] = {
    AlertCondition.Kind.LATE: Kind.LATE,
    AlertCondition.Kind.MISSED: Kind.MISSED,
    AlertCondition.Kind.OVERRUN: Kind.OVERRUN,
    AlertCondition.Kind.BLOCKED: Kind.BLOCKED,
    AlertCondition.Kind.SLOW: Kind.SLOW,
    AlertCondition.Kind.QUICK: Kind.QUICK,
    AlertCondition.Kind.MEMORY: Kind.MEMORY,
    AlertCondition.Kind.SILENT: Kind.SYSTEM,
}


def run_failed(
    job: Job, kind: Kind, run: uuid.UUID, error: str, since: dt.datetime, now: dt.datetime
) -> Incident | None:
    """The incident of a job that now counts this run, whose end is on record already. None: too few failures in a row."""
    trouble = Problem(kind, str(job.uid), since, concerned(job), run, error)
    return lifecycle.report_problem(trouble, now) if _is_enough(job, trouble) else None


def runs_given_up(
    runs: Iterable[Execution], jobs: Mapping[int, Job], kind: Kind, error: str, now: dt.datetime
) -> dict[int, Incident]:
    """The same for many runs with the same outcome, by the key of their job."""
    theirs: dict[int, list[Execution]] = {}
    for run in runs:
        if run.job_id in jobs:
            theirs.setdefault(run.job_id or 0, []).append(run)
    troubles: dict[int, Problem] = {}
    for key, some in theirs.items():
        job, last = jobs[key], max(some, key=lambda run: (run.due_at, run.pk))
        trouble = Problem(kind, str(job.uid), last.due_at, concerned(job), last.uid, error, len(some))
        if _is_enough(job, trouble):
            troubles[key] = trouble
    found = lifecycle.report_problems(troubles.values(), now) if troubles else {}
    return {key: found[trouble.key] for key, trouble in troubles.items()}


def _is_enough(job: Job, trouble: Problem) -> bool:
    """Whether so many failures in a row open an incident; of one that is open each counts."""
    needed = job.open_after_failures
    if needed == 1 or Incident.objects.filter(open_key=trouble.key).exists():
        return True
    return all_alike(job.pk, needed, well=False)


def opened_by(condition: AlertCondition, now: dt.datetime) -> Incident:
    """The incident of a condition, which is opened if there is none."""
    job = concerned(condition.job) if condition.job else lifecycle.Subject()
    kind = KINDS[condition.kind]
    return lifecycle.report_problem(
        Problem(kind, condition.subject, condition.since, job, condition.execution_uid), now
    )


def incident_of(condition: AlertCondition) -> Incident | None:
    """The newest incident of a condition since people were told of it, open or closed."""
    found = Incident.objects.filter(subject=condition.subject, kind=KINDS[condition.kind])
    if condition.told_at is not None:
        found = found.filter(last_at__gte=condition.told_at)
    return found.select_related("team").order_by("-opened_at", "-id").first()


def run_succeeded(job_pk: int, now: dt.datetime) -> None:
    """Closes the incidents of a job after a successful run, which is stored already."""
    job = Job.objects.filter(pk=job_pk).first()
    if job is not None:
        _close_all(job, list(_of_runs().filter(open_job=job.uid)), now)


def look_after(now: dt.datetime) -> None:
    """Periodic work on open incidents."""
    if Incident.objects.open().exists():
        settle(now)
        notify.take_steps(now)


def settle(now: dt.datetime) -> None:
    """Closes what is over and was closed by nobody: a worker that died in between, a run that was claimed before it failed."""
    found: dict[uuid.UUID, list[Incident]] = {}
    for incident in _of_runs().order_by("last_at", "pk")[:AT_ONCE]:
        if incident.open_job is not None and lifecycle.close_if_calm(incident, now):
            found.setdefault(incident.open_job, []).append(incident)
    if not found:
        return
    newest = Execution.objects.filter(job=OuterRef("pk"), state__in=TELLING).order_by("-due_at", "-id")
    jobs = Job.objects.filter(uid__in=found).annotate(newest=Subquery(newest.values("state")[:1]))
    for job in jobs.filter(newest=State.SUCCESS).order_by("pk"):
        with transaction.atomic():
            _close_all(job, found[job.uid], now)


def close_silenced(conditions: Iterable[tuple[str, str]], now: dt.datetime) -> None:
    """Closes the incidents of conditions that no longer count: of each the subject and the kind."""
    subjects: dict[str, list[str]] = {}
    for subject, kind in conditions:
        subjects.setdefault(kind, []).append(subject)
    for kind, some in subjects.items():
        lifecycle.close_unwatched(some, [KINDS[kind]], Incident.Ending.UNWATCHED, now)


def all_alike(job_pk: int, count: int, *, well: bool) -> bool:
    """Whether the newest `count` runs of a job that say something all went well, or none of them did."""
    runs = Execution.objects.filter(job_id=job_pk, state__in=TELLING).order_by("-due_at", "-id")
    states = list(runs.values_list("state", flat=True)[:count])
    return len(states) == count and all((state == State.SUCCESS) == well for state in states)


def _of_runs() -> IncidentQuerySet:
    return Incident.objects.open().filter(kind__in=Incident.OF_RUNS).select_related("team")


def _close_all(job: Job, incidents: Iterable[Incident], now: dt.datetime) -> None:
    for incident in incidents:
        needed = max(job.close_after_successes, CALM_RUNS if incident.flapping else 1)
        if lifecycle.close_if_calm(incident, now) and all_alike(job.pk, needed, well=True):
            lifecycle.recover(incident, now)
