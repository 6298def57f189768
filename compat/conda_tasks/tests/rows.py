"""Environments that need nobody to make them, and runs as workers would have left them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.models import Category, User
from audit.record import Actor
from environments.models import Environment
from executions.ledger.launch import row
from executions.models import Execution, LogChunk, State, Trigger
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import Timing
from jobs.verbs import JobChanges
from scheduler_site.lib import clock

NIGHTLY = Timing("cron", "0 3 * * *", "UTC")
SCRIPT = "print('hello')\n"
BODY = {"script": SCRIPT, "conda_env": "data", "task_name": "hello"}
CRON = BODY | {"cron_expression": "0 3 * * *"}
LATER = BODY | {"delay_seconds": 3600}


def environment(owner: User | None = None, name: str = "data", **columns: Any) -> Environment:
    values = {"backend": "pypi", "state": "ready", "python_version": "3.11.7", "created_by": owner}
    return Environment.objects.create(name=name, **values | columns)


def task(owner: User, where: Environment, timing: Timing = NIGHTLY, **columns: Any) -> Job:
    """Whether or not its owner may run code."""
    values = {"name": "hello", "kind": "script", "options": {"script": SCRIPT}, "environment": where}
    values |= {"category": Category.general()} | columns
    return verbs.create(JobChanges(values, timing), by=Actor(owner, "conda"))


def run(job: Job, state: str, ago: float = 60, seconds: float = 2, **columns: Any) -> Execution:
    """A run that began so many seconds ago and took `seconds`; an open one has not ended."""
    began = clock.now() - dt.timedelta(seconds=ago)
    made = row(job, began, began, Trigger.MANUAL)
    made.state, made.attempt, made.started_at = state, 1, began
    if state not in (State.QUEUED, State.RUNNING):
        made.finished_at, made.duration = began + dt.timedelta(seconds=seconds), seconds
    for name, value in columns.items():
        setattr(made, name, value)
    made.save()
    return made


def start(job: Job) -> Execution:
    """Lets a worker have the run that waits, or a new one."""
    waiting = job.executions.filter(state=State.QUEUED).first()
    if waiting is None:
        return run(job, State.RUNNING, ago=1)
    Execution.objects.filter(pk=waiting.pk).update(state=State.RUNNING, attempt=1, started_at=clock.now())
    waiting.refresh_from_db()
    return waiting


def end(execution: Execution, state: str, **columns: Any) -> None:
    Execution.objects.filter(pk=execution.pk).update(
        state=state, finished_at=clock.now(), duration=1.5, suspended_at=None, **columns
    )


def write(execution: Execution, *texts: str) -> None:
    for text in texts:
        LogChunk.objects.create(execution=execution, attempt=1, at=clock.now(), text=text)
