"""Middleware of every request: security headers, compression, body length, slashes, language."""

from __future__ import annotations

from collections.abc import Callable

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    JsonResponse,
)
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import is_valid_path
from django.utils import translation

# Scripts and styles come from our own files only, so a text that slips through an escape still cannot run.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class SecurityHeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class CompressedPagesMiddleware(GZipMiddleware):
    """Pages alone: what is streamed must not wait for more, and clients of the APIs get what they always got.

    Django adds a random length and masks the token of forms anew each time, so that the size tells nothing of either (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


class LengthRequiredMiddleware:
    """411 for a body in chunks (RFC 9110, 15.5.12): Django would take it for none, and do half of what it asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            text = "Send the body in one piece, with a Content-Length header."
            return JsonResponse({"error": "Length required", "message": text}, status=411)
        return self.get_response(request)


class OtherSlashMiddleware:
    """Leads from `/jobs/` to the page `/jobs`, and from `/admin` to `/admin/`, where only the other one is there.

    For reading alone; the routes of the API and of inherited clients have slashes of their own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 404 or request.resolver_match or request.method not in ("GET", "HEAD"):
            return response
        path = request.path_info
        other = path[:-1] if path.endswith("/") else f"{path}/"
        if path.startswith(("/api/", "//", "/\\")) or not is_valid_path(other):
            return response
        query = request.META.get("QUERY_STRING", "")
        prefix = request.path.removesuffix(path)
        return HttpResponsePermanentRedirect(f"{prefix}{other}" + (f"?{query}" if query else ""))


class LanguageMiddleware(LocaleMiddleware):
    """Pages speak the reader's language. The API speaks English to everybody: clients compare its texts."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith("/api/"):
            translation.activate("en")
            request.LANGUAGE_CODE = translation.get_language()
        else:
            super().process_request(request)
