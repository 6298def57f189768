"""The list of all jobs in the API: thousands of rows, read without a model instance for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet

from accounts.models import Category, Team, User
from environments.models import Environment
from jobs.models import Dependency, Job, JobQuerySet, Pause, stored_schedule
from jobs.models.column_types import column_of
from jobs.models.fields import NAMES
from jobs.rest.wire import JobJson, read_json
from scheduler_site.lib.large_values import abbreviated

COLUMNS = (
    *(
        "pk",
        "uid",
        "secrets",
        "owner_id",
        "next_run_at",
        "day_rule",
        "at_zone",
        "quarantine_reason",
        "code_suspended",
    ),
    *("created_at", "updated_at"),
    *(column_of(name).attname for name in NAMES),
)
# What a list tells by its digest where it is large, and so many rows are read at once.
LARGE = ("metadata", "options")
CHUNK = 200
NEWEST = ("-created_at", "-id")
M = TypeVar("M", bound=Model)


def listed(
    jobs: JobQuerySet, started: Callable[[JobQuerySet], QuerySet[Job]], told: Callable[[Any], str | None]
) -> list[JobJson]:
    """The JSON of all `jobs`, the newest first; `started` adds `last_started_at`, which `told` puts into words.

    As many statements whatever their number: the jobs with their schedules, what they share, their pauses and edges.
    """
    found = started(jobs).order_by(*NEWEST).annotate(**stored_schedule.columns("periodic_task__"))
    values = found.values(*COLUMNS, "last_started_at", *stored_schedule.COLUMNS)
    # What is large is left out row by row, before the next ones are read.
    rows = [
        row | {name: abbreviated(row[name]) for name in LARGE} for row in values.iterator(chunk_size=CHUNK)
    ]
    categories, teams = _shared(Category, rows, "category_id"), _shared(Team, rows, "team_id")
    owners = _shared(User, rows, "owner_id")
    environments = _shared(Environment, rows, "environment_id", "uid")
    pauses, edges = _pauses(jobs), _edges(jobs)
    answer = []
    for row, timing in zip(rows, stored_schedule.timings(rows), strict=True):
        # What `read_json` looks at: it knows no difference to a job.
        job = SimpleNamespace(
            **row,
            category=categories[row["category_id"]],
            team=teams.get(row["team_id"]),
            owner=owners.get(row["owner_id"]),
            environment=environments.get(row["environment_id"]),
            timing=timing,
            edges=edges.get(row["pk"], ()),
        )
        pause = None if timing.enabled else pauses.get(row["pk"])
        answer.append(read_json(cast("Job", job), pause, last_execution_at=told(row["last_started_at"])))
    return answer


def pause_of(job: Job) -> Pause | None:
    """The present pause of one job."""
    return None if job.timing.enabled else _pauses(Job.objects.filter(pk=job.pk)).get(job.pk)


def _pauses(jobs: JobQuerySet) -> dict[int, Pause]:
    """The present pause of each job that has one."""
    found = Pause.objects.filter(job__in=jobs.order_by().values("pk"), ended_at=None)
    return {pause.job_id: pause for pause in found.select_related("by").order_by("id")}


def _edges(jobs: JobQuerySet) -> dict[int, list[Dependency]]:
    found: dict[int, list[Dependency]] = {}
    rows = Dependency.objects.filter(job__in=jobs.order_by().values("pk")).select_related("after")
    for edge in rows.only("job_id", "on", "after__uid").order_by("id"):
        found.setdefault(edge.job_id, []).append(edge)
    return found


def _shared(model: type[M], rows: Iterable[dict[str, Any]], key: str, field: str = "pk") -> dict[Any, M]:
    """What thousands of jobs have in common."""
    keys = {row[key] for row in rows if row[key] is not None}
    return dict(model._default_manager.in_bulk(list(keys), field_name=field)) if keys else {}
