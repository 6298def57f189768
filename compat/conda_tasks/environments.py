"""`/api/conda/...`: environments and their packages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from compat.conda_tasks import access, operations, requirements, task_status, wire
from compat.conda_tasks.base import CondaView, Steps, forbid, invalid, refuse, unknown
from compat.conda_tasks.payload import environment_name
from compat.conda_tasks.task_status import COMPLETED, FAILED, RUNNING, Task
from environments import verbs
from environments.errors import InUse, NameTaken, Refused
from environments.models import Operation
from environments.operations import contents

TAKEN = "Environment with this name already exists"
IN_USE = "Environment is in use by tasks"


class EnvironmentsView(CondaView):
    """GET all environments by name."""

    def get(self, request: HttpRequest) -> list[Any]:
        return [
            {
                "name": one.name,
                "python_version": one.python_version,
                "packages": [f"{package.name}=={package.version}" for package in contents.installed(one)],
                "created_at": wire.moment(one.created_at),
            }
            for one in access.environments(self.user)
        ]


class StatisticsView(CondaView):
    """GET the figures of all environments."""

    def get(self, request: HttpRequest) -> dict[str, Any]:
        found = list(access.environments(self.user))
        named = Counter(access.tasks(self.user).order_by().values_list("environment__name", flat=True))
        latest = max(found, key=lambda one: (one.created_at, one.pk), default=None)
        return {
            "total_environments": len(found),
            "active_environments": sum(1 for one in found if named[one.name]),
            "total_disk_usage": wire.gigabytes(sum(one.disk_bytes or 0 for one in found)),
            "latest_created": latest and {"name": latest.name, "created_at": wire.moment(latest.created_at)},
            "environment_usage": [
                {"name": one.name, "usage_percent": wire.percent(named[one.name], named.total())}
                for one in found
            ],
            "package_stats": [
                {"name": one.name, "package_count": len(contents.installed(one))} for one in found
            ],
        }


class NewEnvironmentView(CondaView):
    """POST a name: 201 when the environment is there. 400, 403."""

    def post(self, request: HttpRequest) -> Steps[tuple[int, dict[str, Any]]]:
        if not self.user.has_perm("environments.add_environment"):
            forbid("create environments")
        name = environment_name(self.body().get("name"))
        try:
            done = yield from operations.carried_out(lambda: verbs.create(name, by=self.by), self.by)
        except NameTaken:
            refuse(400, TAKEN, f"Environment '{name}' already exists")
        except (Refused, verbs.Invalid) as error:
            invalid("Failed to create environment", str(error))
        if not operations.succeeded(done) or done.environment is None:
            invalid("Failed to create environment", done.error or str(done.get_state_display()))
        shown = {"name": name, "created_at": wire.moment(done.environment.created_at)}
        return 201, {"success": True, "message": "Environment created successfully", "environment": shown}


class EnvironmentView(CondaView):
    """GET one environment; PUT another name (400, 403), DELETE it (400, 403). 404."""

    def get(self, request: HttpRequest, name: str) -> dict[str, Any]:
        found = access.environment(self.user, name)
        tasks = task_status.load(access.tasks(self.user).filter(environment=found))
        return {
            "name": found.name,
            "python_version": found.python_version,
            "created_at": wire.day(found.created_at),
            "usage_stats": usage(tasks) | {"disk_usage": wire.gigabytes(found.disk_bytes)},
            "packages": [{"name": one.name, "version": one.version} for one in contents.installed(found)],
        }

    def put(self, request: HttpRequest, name: str) -> dict[str, Any]:
        found = access.changeable_environment(self.user, name, "modify this environment")
        new = environment_name(self.body().get("new_name"), "New name is required")
        try:
            if new == name:
                raise NameTaken
            count = verbs.rename(found, new, by=self.by)
        except NameTaken:
            refuse(400, TAKEN, "Cannot rename environment to an existing name")
        except InUse as error:
            _in_use(self.user, error, "Cannot rename environment that is referenced by running tasks")
        except (Refused, verbs.Invalid) as error:
            invalid("Cannot rename environment", str(error))
        return {
            "success": True,
            "message": "Environment renamed successfully",
            "old_name": name,
            "new_name": new,
            "updated_tasks_count": count,
        }

    def delete(self, request: HttpRequest, name: str) -> Steps[HttpResponse]:
        found = access.changeable_environment(self.user, name, "delete this environment")
        try:
            done = yield from operations.carried_out(lambda: verbs.delete(found, by=self.by), self.by)
        except InUse as error:
            _in_use(self.user, error, "Cannot delete environment that is referenced by tasks")
        except Refused as error:
            invalid("Cannot delete environment", str(error))
        if not operations.succeeded(done):
            invalid("Cannot delete environment", done.error or str(done.get_state_display()))
        return HttpResponse(status=204)


class PackagesView(CondaView):
    """POST packages to install, DELETE packages. 200 when it is done; 400, 403, 404."""

    def post(self, request: HttpRequest, name: str) -> Steps[dict[str, Any]]:
        found = access.changeable_environment(self.user, name, "modify packages in this environment")
        names = self._packages()
        used = "Cannot modify packages in environment that is referenced by running tasks"
        failed = "Failed to install packages"
        yield from self._change(lambda: verbs.install(found, names, by=self.by), names, used, failed)
        return self._done("Packages installed successfully", name, installed_packages=names)

    def delete(self, request: HttpRequest, name: str) -> Steps[dict[str, Any]]:
        found = access.changeable_environment(self.user, name, "remove packages from this environment")
        names = self._packages()
        used = "Cannot remove packages from environment that is referenced by running tasks"
        failed = "Failed to remove packages"
        yield from self._change(lambda: verbs.remove(found, names, by=self.by), names, used, failed)
        return self._done("Packages removed successfully", name, removed_packages=names)

    def _packages(self) -> list[str]:
        given = self.body().get("packages")
        if not isinstance(given, list) or not given:
            refuse(400, "No packages specified")
        if not all(isinstance(text, str) and text.strip() for text in given):
            refuse(400, "No packages specified")
        return given

    def _change(
        self, begin: Callable[[], Operation], names: list[str], used: str, failed: str
    ) -> Steps[None]:
        try:
            done = yield from operations.carried_out(begin, self.by)
        except InUse as error:
            _in_use(self.user, error, used)
        except (Refused, verbs.Invalid) as error:
            told = operations.fault(str(error), (), (), names)
            refuse(400, failed, **told)
        if not operations.succeeded(done):
            refuse(400, failed, **operations.failure(done, names))

    @staticmethod
    def _done(message: str, name: str, **more: list[str]) -> dict[str, Any]:
        return {"success": True, "message": message, "environment": name} | more


def usage(tasks: list[Task]) -> dict[str, Any]:
    """Of the tasks of one environment (wire facts, 3)."""
    counts = Counter(task.status for task in tasks)
    lengths = [task.ended.duration or 0.0 for task in tasks if task.status == COMPLETED and task.ended]
    used = [task.last.started_at for task in tasks if task.last and task.last.started_at]
    return {
        "total_tasks": len(tasks),
        "success_rate": wire.percent(counts[COMPLETED], len(tasks)),
        "avg_execution_time": round(sum(lengths) / len(lengths), 1) if lengths else 0,
        "active_tasks": counts[RUNNING],
        "failed_tasks": counts[FAILED],
        "last_used": wire.moment(max(used, default=None)),
    }


def _in_use(user: User, error: InUse, message: str) -> NoReturn:
    refuse(400, message, IN_USE, **requirements.referencing(user, error.jobs))


class OtherView(CondaView):
    """404 for every other address below `/api/conda` and `/api/tasks`, once somebody is logged in."""

    def get(self, request: HttpRequest, *args: str, **kwargs: str) -> NoReturn:
        unknown("Not Found")

    post = put = patch = delete = get
