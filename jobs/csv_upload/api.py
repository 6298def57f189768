"""POST /jobs/bulk-upload: many jobs out of one CSV file (wire facts, section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NotRequired, TypedDict, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from jobs.csv_upload.report import BulkReport, process
from jobs.csv_upload.table import UnusableFile, read
from jobs.csv_upload.upload import TooLarge, content, refuse_large
from jobs.rest.access import SURFACE
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Error, Rules
from scheduler_site.rest.views import ApiError, ApiView, refuse_odd_texts

T = TypeVar("T")
YES = frozenset({"1", "true", "yes", "y", "on"})


class BulkUpload(TypedDict):
    """The file and how to take it."""

    file: Annotated[str, "The CSV file, in UTF-8.", Rules(format="binary")]
    default_github_owner: NotRequired[Annotated[str, "The owner of repositories where a row names none."]]
    dry_run: NotRequired[
        Annotated[str, "`true`, `1`, `yes`, `y` or `on`: only look.", Rules(examples=["true"])]
    ]


class BulkUploadView(ApiView):
    tag = "Jobs"
    method_permissions = {"POST": needs("jobs.add_job")}
    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before the credentials: a session is checked for its CSRF token, and that reads the whole body.
        _or_413(lambda: refuse_large(request._request))
        super().initial(request, *args, **kwargs)

    @route(
        "upload_jobs",
        "At least one row is good, or there is none at all.",
        {
            400: (
                "No file, no table, or no good row.",
                Annotated[BulkReport | Error, "A refusal, or the report."],
            )
        },
        request=BulkUpload,
        request_media="multipart/form-data",
    )
    def post(self, request: Request) -> Answer[BulkReport]:
        """Make many jobs out of a CSV file.

        For users and administrators. Each good row becomes a job, whatever is wrong with others.
        """
        file = self._file(request)
        form = request.POST
        refuse_odd_texts(form)
        try:
            table = read(_or_413(lambda: content(file)), most=settings.BULK_UPLOAD_MAX_ROWS)
        except UnusableFile as problem:
            raise ApiError(400, problem.label, str(problem)) from problem
        report = process(
            table,
            by=Actor.request(request, SURFACE),
            default_owner=str(form.get("default_github_owner", "")).strip(),
            dry_run=str(form.get("dry_run", "")).strip().lower() in YES,
        )
        return Answer(report.to_json(), status=400 if report.refused else 200)

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
