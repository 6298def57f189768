"""Who is told of a job: its owner, the administrators, its team and the destinations that it names."""

from __future__ import annotations

import uuid

from jobs.models import Job
from notifications.channels.base import AlertSubject


def about_job(job: Job, execution: uuid.UUID | None = None) -> AlertSubject:
    """What an alert says of a job, and by which it finds those who hear of it."""
    owner = job.owner.uid if job.owner else None
    return AlertSubject(job.uid, job.name, execution, owner, job.destinations, job.team_id)


def mention_of(job: Job) -> str:
    """The Slack handle of the job's team; empty without one."""
    return job.team.slack_handle if job.team else ""


def people_of(job: Job, administrators: list[str]) -> list[str]:
    """The inboxes of a job's owner and of the administrators."""
    owner = f"user:{job.owner.uid}" if job.owner else ""
    return [*administrators, *([owner] if owner and owner not in administrators else [])]
