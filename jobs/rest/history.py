"""The REST route of one job's history."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import account
from audit.models import Entry
from audit.rest.entries import page_json
from jobs.rest import history_schema as schema
from jobs.rest.jobs import visible_job
from scheduler_site.rest.views import ApiView


@extend_schema_view(**schema.HISTORY)
class HistoryView(ApiView):
    """GET what was done to a job, for everybody who sees it: filters, `limit`, `cursor`. 400, 404, 422."""

    def get(self, request: Request, job_id: str) -> Response:
        user = account(request)
        job = visible_job(user, job_id)
        entries = Entry.objects.about(job.uid)
        # Where people sit is nothing that their colleagues need to know.
        told = page_json(
            entries, request.query_params, addresses=user.has_perm("audit.view_entry"), definitions=True
        )
        return Response({"job_id": str(job.uid), "job_name": job.name} | told)
