"""Environments, their packages and operations as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from accounts.models import User
from environments.backends.base import Found, Package
from environments.models import Environment, Operation
from environments.operations import reading
from environments.usage import Summary, Usage
from scheduler_site.rest.views import timestamp


def environment_json(environment: Environment) -> dict[str, Any]:
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


def whole_json(environment: Environment, usage: Usage, user: User) -> dict[str, Any]:
    """With its use, the jobs that the reader may see, and the operation that is open."""
    current = environment.operations.open().select_related("environment", "requested_by").first()
    jobs = environment.jobs.visible_to(user).order_by("name").values_list("uid", "name")
    return environment_json(environment) | {
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


def operation_json(operation: Operation) -> dict[str, Any]:
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


def packages_json(packages: Iterable[Package]) -> list[dict[str, str]]:
    return [asdict(package) for package in packages]


def found_json(found: Iterable[Found]) -> list[dict[str, str]]:
    return [asdict(one) for one in found]


def summary_json(summary: Summary, environments: Iterable[Environment]) -> dict[str, Any]:
    latest = summary.latest
    return {
        "total_environments": summary.total,
        "active_environments": summary.active,
        "disk_bytes": summary.total_disk,
        "latest": {"id": str(latest.uid), "name": latest.name, "created_at": timestamp(latest.created_at)}
        if latest
        else None,
        "usage": [asdict(share) for share in summary.shares],
        "packages": [{"name": one.name, "count": len(reading.installed(one))} for one in environments],
    }


def moment(at: dt.datetime | None) -> str | None:
    """With an offset; null for none."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
