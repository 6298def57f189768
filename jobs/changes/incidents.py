"""What the incidents of a job follow of it: who sees it, whose it is, and that it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents import lifecycle
from incidents.lifecycle import Concerned
from incidents.models import Incident
from scheduler_site.lib import clock

if TYPE_CHECKING:
    from jobs.models import Job

FOLLOWED = frozenset({"name", "category", "team", "owner"})


def concerned(job: Job) -> Concerned:
    """What an incident keeps of its job: its id, name, category, team and owner."""
    return Concerned(job.uid, job.name, job.category_id, job.team_id, job.owner_id)


def follow(job: Job) -> None:
    """Takes a change of the name, category, team or owner over into the incidents of the job."""
    lifecycle.follow(concerned(job))


def job_deleted(job: Job) -> None:
    """Closes the open incidents of a job that is being deleted, without a message."""
    lifecycle.forget([str(job.uid)], Incident.Kind.values, Incident.Ending.JOB_DELETED, clock.now())
