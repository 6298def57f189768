"""The REST route of one job's history."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from audit.models import Entry
from audit.rest.entries import (
    CHOICE,
    OUT_OF_BOUNDS,
    AuditEntry,
    NextCursor,
    PreviousCursor,
    entry_json,
    page_for,
)
from jobs import redaction
from jobs.rest.access import named_job
from scheduler_site.lib import credentials
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Uid
from scheduler_site.rest.views import ApiView


class JobAuditEntry(AuditEntry):
    """Something that somebody did to a job."""

    definition: Annotated[
        dict[str, Any] | None, "The whole definition of the job as this left it, without secrets."
    ]


class JobHistory(TypedDict):
    """Some entries, the newest first."""

    job_id: Annotated[Uid, "The job's id."]
    job_name: Annotated[str, "The job's name now."]
    entries: Annotated[list[JobAuditEntry], "The entries."]
    limit: Annotated[int, "How many a page holds."]
    next_cursor: NextCursor
    previous_cursor: PreviousCursor


class HistoryView(ApiView):
    tag = "Jobs"

    @route(
        "list_job_history",
        "The first entries, or those after the cursor.",
        OUT_OF_BOUNDS,
        query=CHOICE,
    )
    def get(self, request: Request, job_id: str) -> Answer[JobHistory]:
        """What was done to a job, the newest first."""
        user = account(request)
        job = named_job(user, job_id)
        page, limit = page_for(Entry.objects.about(job.uid), request.query_params)
        redaction.for_reader(page.entries, user)
        # Where people sit is nothing that their colleagues need to know.
        address = user.has_perm("audit.view_entry")
        return Answer(
            {
                "job_id": str(job.uid),
                "job_name": job.name,
                "entries": [
                    {**entry_json(entry, address=address), "definition": credentials.masked(entry.snapshot)}
                    for entry in page.entries
                ],
                "limit": limit,
                "next_cursor": page.older or None,
                "previous_cursor": page.newer or None,
            }
        )
