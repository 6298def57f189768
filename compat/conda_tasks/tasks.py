"""`/api/tasks` and `/api/tasks/<id>`: make, list, look at, change and delete tasks."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.models import Category
from compat.conda_tasks import access, output, payload, requirements, task_status, wire
from compat.conda_tasks.base import CondaView, Steps, forbid, invalid, refuse, unknown
from environments import verbs as environment_verbs
from environments.models import Environment
from executions.ledger import launch
from executions.ledger.limits.quotas import TooMany
from executions.models import Execution
from jobs import verbs
from jobs.models import Job
from jobs.verbs import JobChanges

# More runs than these would be of no use to a page.
MOST = 10_000


class TasksView(CondaView):
    """GET all tasks by number; POST a new one (400, 403)."""

    def get(self, request: HttpRequest) -> list[Any]:
        return [wire.listed_json(task) for task in task_status.load(access.tasks(self.user))]

    def post(self, request: HttpRequest) -> Steps[tuple[int, dict[str, Any]]]:
        if not (self.user.has_perm("jobs.add_job") and self.user.has_perm("jobs.run_code")):
            forbid("create tasks")
        body = self.body()
        new = payload.new_task(body)
        environment, told = yield from self._environment(new, body.get("requirements"))
        task = self._made(new, environment)
        answer = {"success": True, "message": "Task scheduled successfully", "task": wire.task_json(task)}
        return 201, answer | ({"environment_message": told} if told else {})

    def _environment(self, new: payload.NewTask, text: Any) -> Steps[tuple[Environment, str]]:
        """Where it is to run; `new.options` get the requirements. 400, 403."""
        found = requirements.existing(self.user, new.environment) if new.reuse else None
        failed = requirements.IN_EXISTING if found else requirements.IN_NEW
        new.options, packages = requirements.with_requirements(new.options, text, failed)
        if packages and found:
            return found, (yield from requirements.install(found, packages, self.user, self.by))
        if packages:
            return (yield from requirements.make(new.environment, packages, self.by))
        return found or environment_verbs.named(new.environment), ""

    def _made(self, new: payload.NewTask, environment: Environment) -> task_status.Task:
        """The task before its first start."""
        values = payload.POLICIES | {
            "name": new.name,
            "kind": Job.Kind.SCRIPT,
            "options": new.options,
            "environment": environment,
            "category": self.user.category or Category.general(),
            "client_form": new.schedule.client_form,
        }
        try:
            with transaction.atomic():
                job = verbs.create(JobChanges(values, new.schedule.timing()), by=self.by)
                if new.schedule.is_now:
                    launch.launch(job, by=self.by)
                return task_status.of(job)
        except TooMany as refusal:
            refuse(429, "Too many executions", str(refusal))
        except verbs.Refused as refusal:
            invalid("Task cannot be created", str(refusal))
        except IntegrityError:
            _outrun(new.name)


class TaskView(CondaView):
    """GET one task with its runs; PUT changes (400, 403), DELETE it (400, 403). 404."""

    def get(self, request: HttpRequest, task_id: str) -> dict[str, Any]:
        task = task_status.of(access.task(self.user, task_id))
        rows = access.runs_of(task.job).only(*task_status.SHOWN).order_by("-due_at", "-id")
        runs = list(reversed(rows[:MOST]))
        return {
            "success": True,
            "task": wire.task_json(task)
            | {
                "last_execution_id": str(runs[-1].uid) if runs else None,
                "executions": [str(run.uid) for run in runs],
            },
            "execution_history": _history(runs, task.job),
            "performance_metrics": metrics(runs),
            "latest_execution": wire.run_json(runs[-1], output.whole(runs[-1], task.job)) if runs else None,
        }

    def put(self, request: HttpRequest, task_id: str) -> Steps[dict[str, Any]]:
        job = access.changeable_task(self.user, task_id, "modify")
        _not_running(job, "update")
        try:
            task = yield from self._changed(job, self.body())
        except Job.DoesNotExist:
            unknown(f"Task with ID {task_id} not found")
        return {"success": True, "message": "Task updated successfully", "task": wire.task_json(task)}

    def delete(self, request: HttpRequest, task_id: str) -> dict[str, Any]:
        job = access.changeable_task(self.user, task_id, "delete")
        _not_running(job, "delete")
        key = job.pk
        try:
            verbs.delete(job, by=self.by)
        except Job.DoesNotExist:
            unknown(f"Task with ID {task_id} not found")
        return {"success": True, "message": "Task deleted successfully", "task_id": key}

    def _changed(self, job: Job, body: dict[str, Any]) -> Steps[task_status.Task]:
        when = payload.changed_schedule(body)
        values = (yield from self._values(job, body)) | (
            {"client_form": when.client_form} if when.cron else {}
        )
        try:
            with transaction.atomic():
                if when.is_given and not job.timing.enabled:
                    verbs.resume(job, by=self.by)
                timing = when.timing() if when.is_given else None
                job = verbs.update(job, JobChanges(values, timing), by=self.by)
                if when.is_given and when.is_now:
                    launch.launch(job, by=self.by)
        except IntegrityError:
            _outrun(str(values.get("name", job.name)), job)
        except verbs.Refused as refusal:
            invalid("Task cannot be updated", str(refusal))
        return task_status.of(job)

    def _values(self, job: Job, body: dict[str, Any]) -> Steps[dict[str, Any]]:
        """What changes of the job, apart from its schedule. 400, 403."""
        values: dict[str, Any] = {}
        options = {key: job.options[key] for key in job.options if key not in ("script", "path")}
        if payload.given(body, "script"):
            values["options"] = options | payload.script(body["script"])
        if payload.given(body, "task_name"):
            values["name"] = payload.task_name(body["task_name"], values.get("options", job.options), job)
        if payload.given(body, "conda_env"):
            values["environment"] = self._existing(body["conda_env"])
        if payload.given(body, "requirements"):
            values["options"] = yield from self._required(job, values, body["requirements"])
        return values

    def _existing(self, name: Any) -> Environment:
        checked = payload.environment_name(name)
        found = next((one for one in access.environments(self.user).filter(name=checked)), None)
        if found is None or found.name != checked:
            invalid("Environment not found", f"Environment '{checked}' not found")
        return found

    def _required(self, job: Job, values: dict[str, Any], text: Any) -> Steps[dict[str, Any]]:
        """The options with other requirements, which are installed before."""
        old, failed = values.get("options", job.options), requirements.IN_EXISTING
        options, packages = requirements.with_requirements(old, text, failed)
        if packages and options.get("requirements") != job.options.get("requirements"):
            named = values.get("environment", job.environment)
            found = self._existing(named.name if named else "")
            yield from requirements.install(found, packages, self.user, self.by)
        return options


def _outrun(name: str, job: Job | None = None) -> NoReturn:
    """400: the name was taken or the environment deleted since the check."""
    others = Job.objects.exclude(pk=job.pk) if job else Job.objects.all()
    if others.filter(name=name).exists():
        payload.name_taken(name)
    invalid("Environment not found")


def _not_running(job: Job, verb: str) -> None:
    """400 for a task that runs: `verb` is update or delete."""
    if (status := task_status.of(job).status) == task_status.RUNNING:
        error = f"Cannot {verb} a task that is currently running"
        invalid(f"Task cannot be {verb}d", error, current_status=status)


def _history(runs: list[Execution], job: Job) -> list[wire.ShownRun]:
    """Oldest first, with the last words of the newer ones."""
    ends = output.ends(runs, job)
    return [wire.run_json(run, ends.get(run.pk, "")) for run in runs]


def metrics(runs: list[Execution]) -> dict[str, list[Any]]:
    """For a picture: one value for each run that has ended, oldest first."""
    ended = [run for run in runs if not run.is_open]
    return {
        "durations": [wire.duration(run) for run in ended],
        "timestamps": [wire.moment(wire.started(run)) for run in ended],
        "peak_memories": [wire.megabytes(run.peak_memory) for run in ended],
        "avg_memories": [wire.megabytes(run.mean_memory) for run in ended],
    }
