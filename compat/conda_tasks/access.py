"""Tasks, runs and environments that an account may see or change: every script job is a task."""

from __future__ import annotations

import datetime as dt
import re
from uuid import UUID

from django.db.models import Exists

from accounts.models import User
from compat.conda_tasks.base import forbid, unknown
from environments.models import Environment, EnvironmentQuerySet
from executions.models import Execution, ExecutionQuerySet, State
from jobs.changes import loading
from jobs.models import Job, JobQuerySet
from scheduler_site.lib import clock

# Results are shown for so long (wire facts, 4).
KEPT = dt.timedelta(days=30)
HIDDEN = (Environment.State.ABSENT, Environment.State.CREATING)


def tasks(user: User) -> JobQuerySet:
    return Job.objects.visible_to(user).filter(kind=Job.Kind.SCRIPT)


def task(user: User, task_id: str) -> Job:
    """404 for what is no number as well."""
    return _found(user, task_id)


def _found(user: User, task_id: str, **asked: Exists) -> Job:
    key = int(task_id) if re.fullmatch(r"[0-9]{1,18}", task_id, re.ASCII) else 0
    found = (
        loading.first_with_related(loading.with_related(tasks(user), **asked).filter(pk=key)) if key else None
    )
    if found is None:
        unknown(f"Task with ID {task_id} not found")
    return found


def changeable_task(user: User, task_id: str, verb: str) -> Job:
    """The same, and 403 for a task that may be seen but not changed."""
    found = _found(user, task_id, may_change=loading.is_changeable(user))
    if not found.__dict__["may_change"]:
        forbid(f"{verb} this task")
    return found


def runs(user: User) -> ExecutionQuerySet:
    """What tasks ran in the time for which results are shown; what only waits is no result yet."""
    since = clock.now() - KEPT
    return begun(Execution.objects.filter(job__in=tasks(user).order_by().values("pk"), due_at__gte=since))


def runs_of(job: Job) -> ExecutionQuerySet:
    return begun(Execution.objects.filter(job=job, due_at__gte=clock.now() - KEPT))


def begun(rows: ExecutionQuerySet) -> ExecutionQuerySet:
    return rows.runs().exclude(state=State.QUEUED, attempt=0)


def run(job: Job, execution_id: str) -> Execution:
    try:
        uid = UUID(execution_id)
    except ValueError:
        uid = None
    found = runs_of(job).filter(uid=uid).first() if uid else None
    if found is None:
        unknown(f"Execution with ID {execution_id} not found")
    return found


def environments(user: User) -> EnvironmentQuerySet:
    """Those that exist; one that is being made does not yet."""
    return Environment.objects.visible_to(user).exclude(state__in=HIDDEN)


def environment(user: User, name: str) -> Environment:
    # Compared here too: a database may ignore case.
    found = next((one for one in environments(user).filter(name=name) if one.name == name), None)
    if found is None:
        unknown("Environment not found")
    return found


def changeable_environment(user: User, name: str, what: str) -> Environment:
    """The same; 403 with `what` for one that may be seen but not changed."""
    found = environment(user, name)
    if not may_change(user, found):
        forbid(what)
    return found


def may_change(user: User, environment: Environment) -> bool:
    return Environment.objects.changeable_by(user).filter(pk=environment.pk).exists()
