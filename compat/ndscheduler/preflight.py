"""The preflight of the two routes of signing in: they are open to pages of every origin (v1 wire facts, 1)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PATHS = {"/api/v1/auth/login", "/api/v1/auth/verify"}
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "3600",
}


class SignInPreflightMiddleware:
    """204 for OPTIONS there. The other routes are answered for by the middleware of django-cors-headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "OPTIONS" and request.path_info.rstrip("/") in PATHS:
            return HttpResponse(status=204, headers=HEADERS)
        return self.get_response(request)
