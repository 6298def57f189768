"""Answers 503 if the database does not answer or aborts a request (deadlock, lock timeout), for every surface.

The REST views answer through `errors.py`, /api/v1 through its base view; all else ends at `server_error`, also what
middleware and error pages raise. The log has one line for each request, without a traceback: there may be thousands.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views import defaults

from scheduler_site.lib.database.errors import Kind, kind_of
from scheduler_site.rest.refused_early import body

logger = logging.getLogger(__name__)

# Connections that are refused or lost, deadlocks, time limits of statements and locks, a server that has become a standby.
DATABASE_ERRORS: Final = (OperationalError, InterfaceError, InternalError)
LABEL: Final = "Service unavailable"
# Whether a change that was under way was kept is not known when a connection is lost: nothing is said of it.
TEXT: Final = (
    "The database does not answer, or could not carry out this request just now. Try again in a few seconds."
)
HEADERS: Final = {"Retry-After": "5"}
STATUS: Final = 503


def is_meant(error: Exception) -> bool:
    """Whether it passes: also a table or column that is not there yet, while an upgrade is rolled out."""
    return isinstance(error, DATABASE_ERRORS) or kind_of(error) is Kind.SCHEMA


def note(error: Exception, path: str) -> None:
    """One line; what the database says is told up to its first line break."""
    said = str(error).partition("\n")[0]
    logger.error("database_unavailable", extra={"path": path, "error": f"{type(error).__name__}: {said}"})


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: called while an uncaught exception is handled."""
    error = sys.exc_info()[1]
    if not isinstance(error, Exception) or not is_meant(error):
        return defaults.server_error(request)
    note(error, request.path)
    if request.path_info.startswith("/api/"):
        return JsonResponse(body(request.path_info, STATUS, LABEL, TEXT), status=STATUS, headers=HEADERS)
    # Rendered without the request: what is known of it (account, messages) is in the database.
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=STATUS, headers=HEADERS)
