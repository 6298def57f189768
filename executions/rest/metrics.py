"""`GET /metrics`: who may scrape."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.rest.permissions import needs
from accounts.signin.authentication import BearerAuthentication, PageSessionAuthentication
from executions.monitoring import metrics
from scheduler_site.rest.views import ApiView

SCRAPER = "metrics token"


class ScraperAuthentication(BaseAuthentication):
    """`Authorization: Bearer <METRICS_TOKEN>`: no account, good for the metrics only.

    Other tokens are left to the next class.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not settings.METRICS_TOKEN:
            return None
        same = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
        return (AnonymousUser(), SCRAPER) if same else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ScraperOrAdmin(needs("executions.view_system")):  # type: ignore[misc]  # a class that a function makes
    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.auth == SCRAPER or super().has_permission(request, view)


class MetricsView(ApiView):
    """GET, with the scraper's token or as an administrator. 401, 403."""

    authentication_classes = (ScraperAuthentication, BearerAuthentication, PageSessionAuthentication)
    permission_classes = (ScraperOrAdmin,)

    def get(self, request: Request) -> HttpResponse:
        text, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return HttpResponse(
            text, content_type=content_type, headers={"Cache-Control": "no-store", "Vary": "Accept"}
        )
