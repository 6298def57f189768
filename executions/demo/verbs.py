"""Fills an installation with the examples, and takes them away again."""

from __future__ import annotations

import datetime as dt
from itertools import takewhile
from random import Random

from django.db import transaction

from accounts.models import Category, User
from audit.record import Actor
from executions.demo.examples import EXAMPLES, MARK, PREFIX, Example, Past
from executions.ledger import definitions
from executions.ledger.launch import row
from executions.models import Execution, LogChunk, State, Trigger
from incidents import lifecycle, notify
from incidents.lifecycle import Problem
from incidents.models import Incident
from jobs import verbs
from jobs.changes.incidents import concerned
from jobs.forms.job import JobForm, form_data
from jobs.models import Dependency, Job, JobQuerySet
from scheduler_site.lib import clock

MONTH = dt.timedelta(days=30)
BATCH = 500
# Of so many runs of a job, the newest ones, the log is kept.
LOGGED = 20
PAUSE = dt.timedelta(days=5)
# The seed of the random numbers: the same history for everybody.
SEED = 20


class AlreadyThere(Exception):
    """There are examples already."""


@transaction.atomic
def make(owner: User) -> tuple[int, int]:
    """Creates the jobs and their history, owned by `owner`; how many jobs and runs. Raises AlreadyThere."""
    if examples().exists():
        raise AlreadyThere
    made: dict[str, Job] = {}
    runs = 0
    now = clock.now()
    by = Actor(owner, "command")
    for example in EXAMPLES:
        job = made[example.name] = _create(example, made.get(example.after), owner, by)
        runs += _remember(job, example, now)
        if example.paused:
            verbs.pause(job, by=by, reason=example.paused, until=now + PAUSE)
    return len(made), runs


def remove(by: Actor) -> list[str]:
    """Deletes the examples; their names. Their runs go with them, in slices, as those of every deleted job."""
    names = []
    # Those that follow others first.
    for job in examples().order_by("-pk"):
        names.append(job.name)
        verbs.delete(job, by=by)
    return names


def examples() -> JobQuerySet:
    """The jobs that `make` created; a duplicate has another name, and stays."""
    return Job.objects.filter(metadata__example=MARK["example"], name__startswith=PREFIX)


def _create(example: Example, upstream: Job | None, owner: User, by: Actor) -> Job:
    data = {
        "name": example.title,
        "description": example.description,
        "kind": Job.Kind.PYTHON_CLASS,
        "options": example.options,
        "metadata": MARK,
        "schedule_kind": "cron" if example.expression else "none",
        "expression": example.expression,
        "timeout": example.timeout,
        "fail_on_exit_code": True,
        "depends_on": [{"job": str(upstream.uid), "on": Dependency.On.SUCCESS}] if upstream else [],
    }
    form = JobForm(form_data(Job(category=Category.general())) | data, user=owner)
    if not form.is_valid():
        raise ValueError(form.errors.as_text())
    return verbs.create(form.changes(), by=by, tell=False)


def _remember(job: Job, example: Example, now: dt.datetime) -> int:
    """Writes the runs of a month, as they might have been."""
    random = Random(SEED)  # noqa: S311 - a story, no secret
    rows: list[tuple[Execution, Past]] = []
    schedule = job.timing.schedule()
    due = schedule.next_after(now - MONTH) if schedule else None
    while schedule and due and due < now - dt.timedelta(minutes=1):
        past = example.story(now - due, random)
        rows.append((_past(job, due, past, random), past))
        due = schedule.next_after(due)
    definitions.keep([one for one, _told in rows])
    Execution.objects.bulk_create([one for one, _told in rows], batch_size=BATCH)
    LogChunk.objects.bulk_create(
        LogChunk(
            execution=one,
            attempt=1,
            at=one.started_at,
            text=past.log,
            ends=past.log.count("\n"),
            size=len(past.log),
        )
        for one, past in rows[-LOGGED:]
        if past.log and one.started_at
    )
    _open_incident(job, [one for one, _told in rows], now)
    return len(rows)


def _open_incident(job: Job, rows: list[Execution], now: dt.datetime) -> None:
    """A job whose last runs failed has an incident, of which nobody is told: it is an example."""
    failed = list(takewhile(lambda one: one.state == State.FAILED, reversed(rows)))
    if not failed:
        return
    last, first = failed[0], failed[-1]
    trouble = Problem(
        Incident.Kind.FAILING,
        str(job.uid),
        first.due_at,
        concerned(job),
        last.uid,
        last.error,
        len(failed),
    )
    notify.mark_announced(
        lifecycle.report_problem(trouble, now), notify.Audience(slack=False), now, quiet=True
    )


def _past(job: Job, due: dt.datetime, past: Past, random: Random) -> Execution:
    run = row(job, due, due, Trigger.SCHEDULED)
    run.scheduled_for = due
    run.state, run.reason, run.error = past.state, past.reason, past.error
    run.finished_at = due
    if past.seconds:
        run.attempt, run.worker = 1, "code@demo"
        run.started_at = run.published_at = due + dt.timedelta(seconds=random.uniform(0.02, 0.4))
        run.duration, run.exit_code = round(past.seconds, 3), past.exit_code
        run.finished_at = run.started_at + dt.timedelta(seconds=past.seconds)
        run.peak_memory = random.randint(30, 60) * 1024 * 1024
        run.mean_memory = int(run.peak_memory * 0.8)
        run.cpu_seconds = round(past.seconds * 0.3, 2)
    return run
