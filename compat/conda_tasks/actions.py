"""What is done to a task: stop, start, pause, resume; and what one of its runs writes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NoReturn

from django.db import transaction
from django.http import HttpRequest

from audit.record import Actor
from compat.conda_tasks import access, output, task_status, wire
from compat.conda_tasks.base import CondaView, Refused, Steps, invalid
from compat.conda_tasks.task_status import PAUSED, RUNNING, Task
from executions.ledger import launch
from executions.ledger import verbs as runs
from executions.models import Execution, LogChunk, State
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import NEVER
from jobs.verbs import JobChanges
from scheduler_site.lib import clock

# A stop takes the worker a second, the processes their grace of three, and a moment to be written down.
STOP_SECONDS = 12.0


class ActionView(CondaView):
    """POST: 200 with the task as it is now. 400 where its status does not allow it, 403, 404."""

    verb = ""
    message = ""
    refused = ""

    def post(self, request: HttpRequest, task_id: str) -> Steps[dict[str, Any]]:
        job = access.changeable_task(self.user, task_id, self.verb)
        before = task_status.of(job)
        try:
            if steps := self.act(before):
                yield from steps
        except verbs.Refused as refusal:
            self.refuse(task_status.of(job), str(refusal))
        except Job.DoesNotExist:
            access.task(self.user, task_id)
            raise
        shown = wire.changed_json(self.result(job), before.status)
        return {"success": True, "message": self.message, "task": shown}

    def act(self, task: Task) -> Steps[None] | None:
        raise NotImplementedError

    def result(self, job: Job) -> Task:
        return task_status.of(job)

    def refuse(self, task: Task, error: str = "") -> NoReturn:
        error = error or f"Cannot {self.verb} a task with status: '{task.status}'"
        invalid(self.refused, error, current_status=task.status)


class StopView(ActionView):
    """Ends the runs of a running task, with all their processes; its schedule stays."""

    verb = "stop"
    message = "Task stopped successfully"
    refused = "Task is not in a running state"

    def act(self, task: Task) -> Steps[None]:
        if task.status != RUNNING:
            self.refuse(task)
        going = list(Execution.objects.running().filter(job=task.job).order_by("pk"))
        for run in going:
            runs.stop(run, by=self.by)
        deadline = time.monotonic() + STOP_SECONDS
        for run in going:
            yield launch.until_ended(run, max(deadline - time.monotonic(), 0))
            run.refresh_from_db()
        if any(run.is_open for run in going):
            body = {
                "success": False,
                "message": "Task is being stopped",
                "error": "Its worker has not answered yet",
            }
            raise Refused(503, body, {"Retry-After": "5"})
        if not any(run.state == State.STOPPED for run in going):
            # It had come to its own end.
            self.refuse(task_status.of(task.job))


class TriggerView(ActionView):
    """Runs a task now. One that was suspended goes on, a paused schedule goes on as well."""

    verb = "trigger"
    message = "Task triggered successfully"
    refused = "Task cannot be triggered"

    @transaction.atomic
    def act(self, task: Task) -> None:
        if task.status == RUNNING:
            self.refuse(task)
        job = task.job
        if not job.timing.enabled:
            verbs.resume(job, by=self.by)
        if task.last and task.last.suspended_at:
            runs.resume(task.last, by=self.by)
            return
        if job.timing.kind == "once" and job.next_run_at:
            # Its one run is this one.
            job = verbs.update(job, JobChanges(timing=NEVER), by=self.by)
        if not job.executions.open().exists():
            launch.launch(job, by=self.by)


class PauseView(ActionView):
    """Suspends the run of a running task; of one that waits, the schedule."""

    verb = "pause"
    message = "Task paused successfully"
    refused = "Task cannot be paused"

    def act(self, task: Task) -> None:
        if task.status == RUNNING and task.last:
            runs.suspend(task.last, by=self.by)
        elif task.status != PAUSED and task.next_run_at:
            verbs.pause(task.job, by=self.by)
        else:
            self.refuse(task)


class ResumeView(ActionView):
    """Lets a suspended run go on, or a paused schedule."""

    verb = "resume"
    message = "Task resumed successfully"
    refused = "Task is not paused"

    def act(self, task: Task) -> None:
        if task.status != PAUSED:
            self.refuse(task)
        if task.last and task.last.state == State.RUNNING:
            runs.resume(task.last, by=self.by)
        else:
            resume_schedule(task.job, self.by)


class LogsView(CondaView):
    """GET what a run wrote so far."""

    def get(self, request: HttpRequest, task_id: str, execution_id: str) -> dict[str, Any]:
        job = access.task(self.user, task_id)
        run = access.run(job, execution_id)
        last = LogChunk.objects.filter(execution=run).order_by("-id").values_list("at", flat=True).first()
        return {
            "success": True,
            "task_id": job.pk,
            "execution_id": str(run.uid),
            "logs": output.whole(run, job),
            "is_complete": not run.is_open,
            "last_update": wire.moment(run.finished_at or last or wire.started(run)),
        }


@transaction.atomic
def resume_schedule(job: Job, by: Actor) -> None:
    """Of a delay that ran out while the task was paused, what was left of it begins anew."""
    pause, timing = job.current_pause, job.timing
    verbs.resume(job, by=by)
    if timing.kind == "once" and timing.at and timing.at <= clock.now() and pause:
        left = max(timing.at - pause.since, timing.at - timing.at)
        again = replace(timing, at=clock.now() + left, enabled=True)
        verbs.update(job, JobChanges(timing=again), by=by)
