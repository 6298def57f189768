"""How many jobs use environments, and how their runs end. Jobs are reached by relation names: their app is above."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Max, Q, Sum

from environments.models import Environment, EnvironmentQuerySet

SUCCEEDED = Q(jobs__executions__state="success")
FAILED = Q(jobs__executions__state__in=("failed", "timeout", "lost", "error"))
RUNNING = Q(jobs__executions__state="running")


@dataclass(frozen=True)
class Usage:
    """Of one environment. success_rate: percent of the runs that succeeded or failed, None before the first."""

    jobs: int
    running: int
    succeeded: int
    failed: int
    success_rate: float | None
    mean_duration: float | None  # seconds, of runs that succeeded
    last_used_at: dt.datetime | None


@dataclass(frozen=True)
class Share:
    """How many jobs name an environment, and how many percent of all jobs that name one."""

    name: str
    jobs: int
    percent: float


@dataclass(frozen=True)
class Summary:
    """Of all environments together. total_disk: bytes, as far as they were measured; active: those that jobs name."""

    total: int
    active: int
    total_disk: int
    latest: Environment | None
    shares: list[Share]


def of(environment: Environment) -> Usage:
    """How much one environment is used: by one statement; rates in percent, durations in seconds."""
    rows = Environment.objects.filter(pk=environment.pk)
    counts: dict[str, Any] = rows.aggregate(
        named=Count("jobs", distinct=True),
        running=Count("jobs__executions", filter=RUNNING),
        succeeded=Count("jobs__executions", filter=SUCCEEDED),
        failed=Count("jobs__executions", filter=FAILED),
        mean_duration=Avg("jobs__executions__duration", filter=SUCCEEDED),
        last_used_at=Max("jobs__executions__started_at"),
    )
    jobs, judged = counts.pop("named"), counts["succeeded"] + counts["failed"]
    rate = 100 * counts["succeeded"] / judged if judged else None
    return Usage(jobs=jobs, success_rate=rate, **counts)


def with_jobs(environments: EnvironmentQuerySet) -> EnvironmentQuerySet:
    """With `job_count`: how many jobs name each."""
    return environments.annotate(job_count=Count("jobs", distinct=True))


def summary(environments: EnvironmentQuerySet) -> Summary:
    """Shares are listed by name, one for each environment."""
    counted = list(with_jobs(environments).order_by("name"))
    named = sum(_jobs(one) for one in counted)
    disk = environments.aggregate(total=Sum("disk_bytes"))["total"]
    return Summary(
        total=len(counted),
        active=sum(1 for one in counted if _jobs(one)),
        total_disk=int(disk or 0),
        latest=max(counted, key=lambda one: (one.created_at, one.pk), default=None),
        shares=[Share(one.name, _jobs(one), 100 * _jobs(one) / named if named else 0.0) for one in counted],
    )


def _jobs(environment: Environment) -> int:
    """The annotation of `with_jobs`."""
    return int(getattr(environment, "job_count", 0))
