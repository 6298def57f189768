"""Faults of people and of jobs: overlaps, changes in mid-run, poison, long queues, rows that nobody should have written."""

from __future__ import annotations

import datetime as dt
import math
import random
import time
from dataclasses import replace

from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from audit.record import Actor
from bench.faults.checker import Grid
from bench.faults.installation import eventually
from bench.faults.trial import Trial
from executions.ledger.publish import depth
from executions.models import OPEN, Execution, Heartbeat
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import Timing


def overlap(trial: Trial) -> None:
    """runs longer than their interval, under each rule"""
    trial.system.start()
    trial.up()
    for rule in ("skip", "queue", "replace"):
        trial.job(f"overlap {rule}", 3, seconds=5, overlap=rule, stop_grace=0)
    trial.warm()
    time.sleep(15)
    for job in Job.objects.filter(overlap="queue"):
        _pause(trial, job)


def changed_while_queued(trial: Trial) -> None:
    """deleted, paused and edited while their runs wait for a worker"""
    _changed(trial, queued=True)


def changed_while_running(trial: Trial) -> None:
    """deleted, paused and edited while they run"""
    _changed(trial, queued=False)


def changed_without_beat(trial: Trial) -> None:
    """paused and edited while the beat is down: their due times before that are not in the ledger yet"""
    trial.system.start()
    trial.up()
    jobs = [trial.job(name, 2) for name in ("paused", "edited", "edited twice", "paused and resumed")]
    trial.warm()
    _middle_of_a_second()
    trial.system["beat"].kill()
    time.sleep(6)
    _pause(trial, jobs[0])
    _edit(trial, jobs[1])
    _edit(trial, jobs[2])
    time.sleep(6)
    _edit(trial, jobs[2], every=5)
    _pause(trial, jobs[3])
    trial.system.start("beat")
    time.sleep(15)


def poison(trial: Trial) -> None:
    """every minute jobs that crash, eat memory or cannot be imported, among 100 good ones"""
    trial.system.start()
    trial.up()
    for number in range(100):
        trial.job(f"good {number}", 60, ahead=3 + number * 60 // 100)
    for number, ending in enumerate(("segfault", "killed", "memory")):
        trial.job(ending, 60, ahead=5 + 20 * number, ending=ending, rerun_lost=True)
    trial.job("unimportable", 60, ahead=15, job_class="bench.faults.poison.Poison")
    trial.job("absent", 60, ahead=35, job_class="bench.faults.jobs.Absent")
    trial.warm()
    time.sleep(70 if trial.fast else 190)
    bad = Execution.objects.filter(job_name__startswith="good").exclude(state__in=["success", *OPEN])
    trial.wrong += [f"{run} is {run.state} {run.reason}" for run in bad]


def backlog(trial: Trial) -> None:
    """many runs queued at once (--size), the system queue goes on"""
    count = math.ceil(trial.size / 100)
    for number in range(count):
        trial.job(f"backlog {number}", 60, back=6000, catch_up="all", start_deadline=86400)
    trial.system.start()
    trial.up("beat", "code", "system")
    began, slowest, idle = time.monotonic(), 0.0, 0.0
    while Execution.objects.filter(state__in=OPEN).exists() or time.monotonic() - began < 5:
        slowest = max(slowest, _system_answers(trial))
        idle = max(idle, _reconciler_age())
        time.sleep(2)
        if time.monotonic() - began > 60 + trial.size:
            trial.wrong.append("the queue is not drained by one run a second")
            break
    seconds = time.monotonic() - began
    trial.notes.append(f"drained in {seconds:.0f} s, system queue answers within {slowest:.1f} s")
    trial.notes.append(f"at most {idle:.0f} s without the reconciler")
    if slowest > 10 or idle > 30:
        trial.wrong.append("the long queue starves the system's own work")


def broken_rows(trial: Trial) -> None:
    """rows that nobody should have written, by SQL; the good jobs go on"""
    trial.system.start()
    trial.up()
    trial.job("good", 2)
    trial.job("good long", 4, seconds=3)
    trial.warm()
    damage = {
        "zone": "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Base' WHERE id = {cron}",
        "fields": "UPDATE django_celery_beat_crontabschedule SET hour = '99' WHERE id = {cron}",
        "period": "UPDATE django_celery_beat_intervalschedule SET period = 'eons' WHERE id = {interval}",
        "every": "UPDATE django_celery_beat_intervalschedule SET every = 0 WHERE id = {interval}",
        "kind": "UPDATE jobs_job SET kind = 'alien' WHERE id = {job}",
        "options": "UPDATE jobs_job SET options = '\"text\"' WHERE id = {job}",
        "rule": "UPDATE jobs_job SET catch_up = 'odd', overlap = 'odd' WHERE id = {job}",
        "unsettled": "UPDATE jobs_job SET unsettled = '[{{\"x\": 1}}]' WHERE id = {job}",
        "task": "UPDATE jobs_job SET periodic_task_id = NULL WHERE id = {job}",
        "secrets": "UPDATE jobs_job SET secrets = 'gAAAA' WHERE id = {job}",
        "definition": "UPDATE executions_execution SET definition = '{{}}' WHERE id = {run}",
        "definition list": "UPDATE executions_execution SET definition = '[1]' WHERE id = {run}",
        "lease": "UPDATE executions_execution SET state = 'running', lease_until = NULL, definition = '{{}}' "
        "WHERE id = {run}",
        "state": "UPDATE executions_execution SET state = 'odd' WHERE id = {run}",
    }
    for number, (name, statement) in enumerate(damage.items()):
        _damage(trial, f"broken {name}", 1000 + number, statement)
    trial.hurt_at = time.time()
    time.sleep(45)
    _look_at_the_broken(trial)


def _changed(trial: Trial, *, queued: bool) -> None:
    trial.system.start()
    trial.up()
    jobs = [trial.job(f"{name}", 4, seconds=6) for name in ("deleted", "paused", "edited", "untouched")]
    trial.warm()
    _middle_of_a_second()
    if queued:
        trial.system["code"].end()
        time.sleep(8)
    _stop_watching(trial, jobs[0])
    verbs.delete(jobs[0], by=Actor.system())
    _pause(trial, jobs[1])
    _edit(trial, jobs[2])
    if queued:
        trial.system.start("code")
    time.sleep(20)


def _middle_of_a_second() -> None:
    """Due times are whole seconds: what is done now lies clearly before or after each of them."""
    time.sleep((1.5 - time.time() % 1) % 1)


def _pause(trial: Trial, job: Job) -> None:
    _middle_of_a_second()
    _stop_watching(trial, job)
    verbs.pause(job, by=Actor.system())


def _edit(trial: Trial, job: Job, every: int = 3) -> None:
    """Another grid from now on."""
    _middle_of_a_second()
    _stop_watching(trial, job)
    anchor = math.ceil(time.time()) + 1
    start = dt.datetime.fromtimestamp(anchor, dt.UTC)
    verbs.update(
        job,
        verbs.JobChanges({}, Timing("interval", every=every, period="seconds", start=start)),
        by=Actor.system(),
    )
    _regrid(trial, job, Grid(anchor, every))


def _stop_watching(trial: Trial, job: Job) -> None:
    now = time.time()
    for index, watched in enumerate(trial.watched):
        if watched.name == job.name:
            *earlier, last = watched.grids
            assert isinstance(last, Grid)
            trial.watched[index] = replace(watched, grids=(*earlier, replace(last, until=now)))


def _regrid(trial: Trial, job: Job, grid: Grid) -> None:
    for index, watched in enumerate(trial.watched):
        if watched.name == job.name:
            trial.watched[index] = replace(watched, grids=(*watched.grids, grid))


def _reconciler_age() -> float:
    turn = Heartbeat.objects.filter(role="reconciler").first()
    return (dt.datetime.now(dt.UTC) - turn.at).total_seconds() if turn else 0.0


def _system_answers(trial: Trial) -> float:
    """Seconds until a task of the system queue was taken."""
    from celery import current_app

    began = time.monotonic()
    current_app.send_task("executions.upkeep.prune", queue="system")
    if not eventually(lambda: depth("system") == 0, 15, 0.05):
        trial.wrong.append("the system queue stood still for 15 s")
    return time.monotonic() - began


def _damage(trial: Trial, name: str, every: int, statement: str) -> None:
    """A job with a due time in two seconds and a queued run, broken by `statement`."""
    job = trial.job(name, every, watch=False)
    if "{cron}" in statement:
        row = CrontabSchedule.objects.create(minute=str(random.randrange(60)), hour="1", timezone="UTC")
        PeriodicTask.objects.filter(pk=job.periodic_task_id).update(interval=None, crontab=row)
    task = PeriodicTask.objects.filter(pk=job.periodic_task_id).values("crontab_id", "interval_id").get()
    now = dt.datetime.now(dt.UTC)
    run = Execution.objects.create(
        job=job, job_name=name, job_uid=job.uid, kind=job.kind, definition=job.definition(), category=job.category,
        trigger="manual", due_at=now, created_at=now, held=False,
    )  # fmt: skip
    keys = {"cron": task["crontab_id"], "interval": task["interval_id"], "job": job.pk, "run": run.pk}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**keys))


def _look_at_the_broken(trial: Trial) -> None:
    runs = Execution.objects.filter(job_name__startswith="broken ").order_by("id")
    fates: dict[str, list[str]] = {}
    for name, state, reason in runs.values_list("job_name", "state", "reason"):
        fates.setdefault(name.removeprefix("broken "), []).append(f"{state} {reason}".strip())
        if state in OPEN:
            trial.wrong.append(f"stuck: {name} {state} {reason}")
    names = Job.objects.exclude(quarantine_reason="").values_list("name", flat=True)
    quarantined = sorted(name.removeprefix("broken ") for name in names)
    trial.notes.append(f"quarantined: {', '.join(quarantined)}")
    trial.notes.append("runs: " + ", ".join(f"{name} {'+'.join(states)}" for name, states in fates.items()))
    for job in Job.objects.filter(name__startswith="broken ", next_run_at__lt=dt.datetime.now(dt.UTC)):
        trial.wrong.append(f"{job} is due, but the tick does not get on with it")
