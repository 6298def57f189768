"""A job with all that an answer or a change needs of it, in one statement instead of one for each thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from accounts.models import User
from audit.models import Entry
from incidents.models import Incident
from jobs.models import Dependency, InactivePeriod, Job, JobQuerySet, stored_schedule
from jobs.models.shapes import references

RELATED = (*references(), "owner")
_FOLLOWS = Exists(Dependency.objects.filter(job=OuterRef("pk")))


def whole(jobs: JobQuerySet, **asked: Exists) -> JobQuerySet:
    """With what they refer to, their timing and whether they follow others; `asked` are questions of the caller.

    To be read by `first`, which hands all that to the job.
    """
    return jobs.select_related(*RELATED).annotate(
        follows=_FOLLOWS, **stored_schedule.columns("periodic_task__"), **asked
    )


def first(jobs: QuerySet[Job]) -> Job | None:
    """The first of `whole` ones, which knows now what was read with it."""
    job = jobs.first()
    if job is not None:
        _take(job, job.__dict__)
    return job


def changeable(user: User) -> Exists:
    """Whether this account may change the job: the answer to a question of `whole`."""
    return Exists(Job.objects.changeable_by(user).filter(pk=OuterRef("pk")))


def _take(job: Job, row: Mapping[str, Any]) -> None:
    stored_schedule.take(job, row)
    if not row["follows"]:
        job.__dict__["edges"] = []


@dataclass(frozen=True, slots=True)
class Standing:
    """How a locked job stands; the job itself knows its timing now, and its edges where it has none."""

    is_inactive: bool
    last_version: int
    has_incidents: bool

    @classmethod
    def of(cls, job: Job) -> Standing:
        """To be asked once the job is locked, in a statement of its own: the one that waits for the lock sees the other
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
