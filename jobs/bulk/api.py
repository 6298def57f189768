"""POST /jobs/bulk-upload: many jobs out of one CSV file (wire facts, section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema_view
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import needs
from audit.record import By
from jobs.bulk.report import process
from jobs.bulk.table import Unusable, read
from jobs.bulk.upload import TooLarge, content, refuse_large
from jobs.rest import tools_schema as schema
from jobs.rest.jobs import SURFACE
from scheduler_site.rest.views import ApiError, ApiView, refuse_odd_texts

T = TypeVar("T")
YES = frozenset({"1", "true", "yes", "y", "on"})


@extend_schema_view(**schema.BULK)
class BulkUploadView(ApiView):
    """POST `file`, `default_github_owner?`, `dry_run?` as multipart/form-data.

    200 with the report when a row is good or there is none; 400 with the same report when all are bad; 400, 413.
    """

    method_permissions = {"POST": needs("jobs.add_job")}
    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before the credentials: a session is checked for its CSRF token, and that reads the whole body.
        _or_413(lambda: refuse_large(request._request))
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        file = self._file(request)
        form = request.POST
        refuse_odd_texts(form)
        try:
            table = read(_or_413(lambda: content(file)), most=settings.BULK_UPLOAD_MAX_ROWS)
        except Unusable as problem:
            raise ApiError(400, problem.label, str(problem)) from problem
        report = process(
            table,
            by=By.request(request, SURFACE),
            default_owner=str(form.get("default_github_owner", "")).strip(),
            dry_run=str(form.get("dry_run", "")).strip().lower() in YES,
        )
        return Response(report.to_json(), status=400 if report.refused else 200)

    def _file(self, request: Request) -> UploadedFile[bytes]:
        multipart = (request.content_type or "").lower().startswith("multipart/form-data")
        file = request.FILES.get("file") if multipart else None
        if not isinstance(file, UploadedFile):
            text = "Send the CSV file as multipart/form-data, in the field file."
            raise ApiError(400, "Missing file", text)
        return file


def _or_413(step: Callable[[], T]) -> T:
    try:
        return step()
    except TooLarge as problem:
        raise ApiError(413, "Payload too large", str(problem)) from problem
