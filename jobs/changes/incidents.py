"""Keeps the incidents of a job up to date with its name, category, team, owner and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents import lifecycle
from incidents.lifecycle import Subject
from incidents.models import Incident
from scheduler_site.lib import clock

if TYPE_CHECKING:
    from jobs.models import Job

FOLLOWED = frozenset({"name", "category", "team", "owner"})


def concerned(job: Job) -> Subject:
    """What an incident keeps of its job: its id, name, category, team and owner."""
    return Subject(job.uid, job.name, job.category_id, job.team_id, job.owner_id)


def follow(job: Job) -> None:
    """Copies a changed name, category, team or owner into the incidents of the job."""
    lifecycle.update_subject(concerned(job))


def job_deleted(job: Job) -> None:
    """Closes the open incidents of a job that is being deleted, without a message."""
    lifecycle.close_unwatched([str(job.uid)], Incident.Kind.values, Incident.Ending.JOB_DELETED, clock.now())
