"""The root of the REST API: where to go from here."""

from __future__ import annotations

from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler_site.rest.views import ApiView, not_found


class ApiRootView(ApiView):
    """GET, for anybody: `{message, docs, redoc, health}`; null for a page that this installation does not serve."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        health = f"{request.path}/health"
        return Response(
            {
                "message": "Belfry API",
                "docs": _served("/docs"),
                "redoc": _served("/redoc"),
                "health": health,
            }
        )


def _served(path: str) -> str | None:
    try:
        return None if resolve(path).func is not_found else f"{settings.BASE_PATH}{path}"
    except Resolver404:
        return None
