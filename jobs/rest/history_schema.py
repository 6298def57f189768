"""What the API's document says of a job's history."""

from __future__ import annotations

from audit.rest.schema import CHOICE, DETAILED, LIMITS, page
from scheduler_site.openapi.schema import Route, route, text, uid

_PAGE = page("JobHistory", DETAILED)
HISTORY: Route = {
    "get": route(
        "list_job_history",
        "What was done to a job, the newest first",
        "Jobs",
        {
            200: (
                "The first entries, or those after the cursor.",
                _PAGE
                | {
                    "properties": {"job_id": uid("The job's id."), "job_name": text("The job's name now.")}
                    | _PAGE["properties"],
                    "required": ["job_id", "job_name", *_PAGE["required"]],
                },
            ),
            **LIMITS,
        },
        query=CHOICE,
    )
}
