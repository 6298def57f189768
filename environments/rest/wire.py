"""Environments, their packages and operations as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypedDict

from accounts.models import User
from environments.backends.base import Found, Package
from environments.models import Environment, Operation
from environments.operations import contents
from environments.usage import Summary, Usage
from scheduler_site.rest.schema_types import Moment, Stamp, Uid, one_of
from scheduler_site.rest.views import moment, timestamp

STATES = [state for state in Environment.State.values if state != Environment.State.ABSENT]
OfThem = Annotated[str, "One of them."]


class EnvironmentJson(TypedDict):
    """An isolated Python with its packages."""

    id: Annotated[Uid, "The environment's id; it stays when the name changes."]
    name: Annotated[str, "Its name."]
    backend: Annotated[str, "Where its packages come from.", one_of(Environment.Backend.values)]
    python_version: Annotated[str, "Its Python: as asked for until it has been made, then exactly."]
    state: Annotated[str, "Whether scripts can run in it.", one_of(STATES)]
    error: Annotated[str, "Why it is broken; empty otherwise."]
    read_only: Annotated[bool, "Whether it was registered where it lies, and is never changed from here."]
    directory: Annotated[str, "Where it lies."]
    disk_bytes: Annotated[int | None, "Disk space at the last measurement."]
    shared_bytes: Annotated[int | None, "The part of it that is shared with other environments or the cache."]
    measured_at: Annotated[Moment | None, "When that was."]
    jobs: Annotated[int, "How many jobs run in it."]
    created_by: Annotated[str | None, "Who made it."]
    created_at: Annotated[Stamp, "When that was asked for."]
    updated_at: Annotated[Stamp, "When it was changed last."]


class OperationJson(TypedDict):
    """Something that is done to an environment. It goes on by itself; ask for it to learn how it ended."""

    id: Annotated[Uid, "The operation's id."]
    environment_id: Annotated[Uid | None, "The environment's id; null when that is gone."]
    environment_name: Annotated[str, "The environment's name at the time."]
    kind: Annotated[str, "What is done.", one_of(Operation.Kind.values)]
    packages: Annotated[list[OfThem], "What it is about, as it was typed; of an update without any, all."]
    state: Annotated[str, "How it stands.", one_of(Operation.State.values)]
    requested_by: Annotated[str | None, "Who asked for it."]
    created_at: Annotated[Moment, "When it was asked for."]
    started_at: Annotated[Moment | None, "When a worker began."]
    finished_at: Annotated[Moment | None, "When it ended."]
    cancel_requested_at: Annotated[Moment | None, "When somebody asked it to end."]
    progress: Annotated[str, "What the tool says, the end of it where it is long."]
    error: Annotated[str, "Why it failed, in the tool's own words; empty otherwise."]
    failed_packages: Annotated[
        list[OfThem], "Those of `packages` that were at fault; none when that is unknown."
    ]
    error_details: Annotated[list[Annotated[str, "The sentence."]], "A sentence about each."]


class PackageJson(TypedDict):
    """An installed package."""

    name: Annotated[str, "Its name."]
    version: Annotated[str, "Its version."]
    source: Annotated[str, "What it was installed from.", one_of(["conda", "pypi"])]
    build: Annotated[str, "Of a Conda package, its build; else empty."]


class DiscoveredEnvironment(TypedDict):
    """One of them."""

    name: Annotated[str, "Its name there."]
    prefix: Annotated[str, "Its directory."]
    python_version: Annotated[str, "Its Python, where that is known."]


class EnvironmentUsage(TypedDict):
    """How its runs have done."""

    jobs: Annotated[int, "How many jobs run in it."]
    running: Annotated[int, "Runs that go on in it."]
    succeeded: Annotated[int, "Runs that succeeded."]
    failed: Annotated[int, "Runs that failed."]
    success_rate: Annotated[float | None, "Percent of those two that succeeded; null before the first."]
    mean_duration_seconds: Annotated[float | None, "Of runs that succeeded."]
    last_used_at: Annotated[Moment | None, "When its last run started."]


class _NamedJob(TypedDict):
    """A job."""

    id: Annotated[Uid, "The job's id."]
    name: Annotated[str, "The job's name."]


class WholeEnvironment(EnvironmentJson):
    """An environment with its use."""

    usage: EnvironmentUsage
    used_by: Annotated[list[_NamedJob], "Its jobs, as far as this account may see them."]
    operation: OperationJson | None


class LatestEnvironment(TypedDict):
    """The newest one."""

    id: Annotated[Uid, "Its id."]
    name: Annotated[str, "Its name."]
    created_at: Annotated[Stamp, "When it was asked for."]


class EnvironmentShare(TypedDict):
    """One environment."""

    name: Annotated[str, "Its name."]
    jobs: Annotated[int, "How many jobs run in it."]
    percent: Annotated[float, "Of all jobs that run in one."]


class PackageCount(TypedDict):
    """One environment."""

    name: Annotated[str, "Its name."]
    count: Annotated[int, "How many packages it has."]


class EnvironmentStatistics(TypedDict):
    """The figures."""

    total_environments: Annotated[int, "How many there are."]
    active_environments: Annotated[int, "How many of them jobs run in."]
    disk_bytes: Annotated[int, "Their disk space together, as last measured."]
    latest: LatestEnvironment | None
    usage: Annotated[list[EnvironmentShare], "Who is used how much, by name."]
    packages: Annotated[list[PackageCount], "What they have, by name."]


def environment_json(environment: Environment) -> EnvironmentJson:
    """An environment out of `usage.with_jobs`."""
    return {
        "id": str(environment.uid),
        "name": environment.name,
        "backend": environment.backend,
        "python_version": environment.python_version,
        "state": environment.state,
        "error": environment.error,
        "read_only": environment.is_read_only,
        "directory": str(environment.prefix),
        "disk_bytes": environment.disk_bytes,
        "shared_bytes": environment.shared_bytes,
        "measured_at": moment(environment.measured_at),
        "jobs": getattr(environment, "job_count", 0),
        "created_by": environment.created_by.get_username() if environment.created_by else None,
        "created_at": timestamp(environment.created_at),
        "updated_at": timestamp(environment.updated_at),
    }


def whole_json(environment: Environment, usage: Usage, user: User) -> WholeEnvironment:
    """With its use, the jobs that the reader may see, and the operation that is open."""
    current = environment.operations.open().select_related("environment", "requested_by").first()
    jobs = environment.jobs.visible_to(user).order_by("name").values_list("uid", "name")
    return {
        **environment_json(environment),
        "usage": {
            "jobs": usage.jobs,
            "running": usage.running,
            "succeeded": usage.succeeded,
            "failed": usage.failed,
            "success_rate": usage.success_rate,
            "mean_duration_seconds": usage.mean_duration,
            "last_used_at": moment(usage.last_used_at),
        },
        "used_by": [{"id": str(uid), "name": name} for uid, name in jobs],
        "operation": operation_json(current) if current else None,
    }


def operation_json(operation: Operation) -> OperationJson:
    return {
        "id": str(operation.uid),
        "environment_id": str(operation.environment.uid) if operation.environment else None,
        "environment_name": operation.environment_name,
        "kind": operation.kind,
        "packages": operation.packages,
        "state": operation.state,
        "requested_by": operation.requested_by.get_username() if operation.requested_by else None,
        "created_at": moment(operation.created_at),
        "started_at": moment(operation.started_at),
        "finished_at": moment(operation.finished_at),
        "cancel_requested_at": moment(operation.cancel_requested_at),
        "progress": operation.log,
        "error": operation.error,
        "failed_packages": operation.failed_packages,
        "error_details": operation.error_details,
    }


def packages_json(packages: Iterable[Package]) -> list[PackageJson]:
    return [
        {"name": one.name, "version": one.version, "source": one.source, "build": one.build}
        for one in packages
    ]


def found_json(found: Iterable[Found]) -> list[DiscoveredEnvironment]:
    return [{"name": one.name, "prefix": one.prefix, "python_version": one.python_version} for one in found]


def summary_json(summary: Summary, environments: Iterable[Environment]) -> EnvironmentStatistics:
    latest = summary.latest
    return {
        "total_environments": summary.total,
        "active_environments": summary.active,
        "disk_bytes": summary.total_disk,
        "latest": {"id": str(latest.uid), "name": latest.name, "created_at": timestamp(latest.created_at)}
        if latest
        else None,
        "usage": [
            {"name": share.name, "jobs": share.jobs, "percent": share.percent} for share in summary.shares
        ],
        "packages": [{"name": one.name, "count": len(contents.installed(one))} for one in environments],
    }
