"""Loads a job with everything that an answer or a change needs of it, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from accounts.models import User
from audit.models import Entry
from incidents.models import Incident
from jobs.models import Dependency, InactivePeriod, Job, JobQuerySet, stored_schedule
from jobs.models.column_types import references

RELATED = (*references(), "owner")
_FOLLOWS = Exists(Dependency.objects.filter(job=OuterRef("pk")))


def with_related(jobs: JobQuerySet, **asked: Exists) -> JobQuerySet:
    """Selects related rows, the schedule and whether there are upstream jobs; `asked` are further annotations.

    Read the result with `first_with_related`, which hands all that to the job.
    """
    return jobs.select_related(*RELATED).annotate(
        follows=_FOLLOWS, **stored_schedule.columns("periodic_task__"), **asked
    )


def first_with_related(jobs: QuerySet[Job]) -> Job | None:
    """The first job of `with_related`, with the schedule and the edges that were read with it."""
    job = jobs.first()
    if job is not None:
        _take(job, job.__dict__)
    return job


def is_changeable(user: User) -> Exists:
    """Whether this account may change the job, as an annotation for `with_related`."""
    return Exists(Job.objects.changeable_by(user).filter(pk=OuterRef("pk")))


def _take(job: Job, row: Mapping[str, Any]) -> None:
    stored_schedule.take(job, row)
    if not row["follows"]:
        job.__dict__["edges"] = []


@dataclass(frozen=True, slots=True)
class LockedFacts:
    """What a change needs to know of a locked job; the job gets its schedule, and its edges if there are none."""

    is_inactive: bool
    last_version: int
    has_incidents: bool

    @classmethod
    def of(cls, job: Job) -> LockedFacts:
        """Call it once the job is locked, in a statement of its own: the one that waits for the lock sees the other
        tables as they were before it waited."""
        versions = (
            Entry.objects.filter(object_uid=OuterRef("uid"), version__isnull=False)
            .order_by("-at", "-id")
            .values("version")
        )
        found = (
            Job.objects.filter(pk=job.pk)
            .annotate(
                is_inactive=Exists(InactivePeriod.objects.filter(job=OuterRef("pk"), until=None)),
                follows=_FOLLOWS,
                last_version=Subquery(versions[:1]),
                has_incidents=Exists(Incident.objects.filter(job_uid=OuterRef("uid"))),
                **stored_schedule.columns("periodic_task__"),
            )
            .values("is_inactive", "follows", "last_version", "has_incidents", *stored_schedule.COLUMNS)
            .get()
        )
        _take(job, found)
        return cls(found["is_inactive"], found["last_version"] or 0, found["has_incidents"])


def locked(job: Job) -> Job:
    """The job as it is now, kept from the tick and from other editors until the transaction ends.

    What it refers to is not read again where it still refers to the same.
    """
    found = Job.objects.select_for_update().get(pk=job.pk)
    for name in RELATED:
        field = Job._meta.get_field(name)
        if field.is_cached(job) and getattr(found, field.attname) == getattr(job, field.attname):  # type: ignore[union-attr]
            setattr(found, name, getattr(job, name))
    return found
