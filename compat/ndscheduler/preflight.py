"""OPTIONS as browsers send it, which asks what is allowed and changes nothing (v1 wire facts, 1 and 3)."""

from __future__ import annotations

from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

RESUMED = "/api/v1/jobs/"
PATHS = {"/api/v1/auth/login", "/api/v1/auth/verify"}
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "3600",
}


class SignInPreflightMiddleware:
    """204 on the two routes of signing in, which are open to pages of every origin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "OPTIONS" and request.path_info.rstrip("/") in PATHS:
            return HttpResponse(status=204, headers=HEADERS)
        return self.get_response(request)


class PreflightMiddleware(CorsMiddleware):
    """Answers for the other routes; but OPTIONS for a job with a token is a call that resumes it.

    No browser sends Authorization with a preflight.
    """

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        answer = super().check_preflight(request)
        called = request.path_info.startswith(RESUMED) and "Authorization" in request.headers
        return None if called else answer
