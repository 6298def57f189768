"""Answers requests that Django refuses before any view sees them (400): in JSON below /api/, else with a page."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

LABEL: Final = "Bad request"
TEXT: Final = "The request cannot be read."
LONGEST_HOST = 255


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`. A host that is not known says so: whoever installs Belfry behind a proxy meets it first."""
    unknown = isinstance(exception, DisallowedHost)
    host = str(request.META.get("HTTP_HOST", ""))[:LONGEST_HOST] if unknown else None
    if request.path_info.startswith("/api/"):
        return JsonResponse(body(request.path_info, 400, LABEL, _text(host)), status=400)
    # Rendered without the request, which may be why.
    return HttpResponse(loader.get_template("400.html").render({"host": host}), status=400)


def _text(host: str | None) -> str:
    if host is None:
        return TEXT
    return f"The host {host} is not known here. Name it in ALLOWED_HOSTS, or let the proxy pass on the right one."


def body(path: str, status: int, label: str, text: str) -> dict[str, Any]:
    """A refusal in the shape of the API that the path belongs to."""
    if path.startswith("/api/v1/"):
        return {"error": {"code": status, "message": text}}
    if path.startswith(("/api/tasks", "/api/conda")):
        return {"success": False, "message": text}
    return {"error": label, "message": text}
