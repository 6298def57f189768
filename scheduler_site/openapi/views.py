"""Where the API's document is read: by machines as JSON, by people in Swagger UI and Redoc. All of it is public."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from scheduler_site.middleware import POLICY
from scheduler_site.openapi import routes
from scheduler_site.openapi.route import route
from scheduler_site.rest.views import ApiView

# Redoc makes two style sheets itself: an empty one, which it fills rule by rule, and that of its scroll bars. Both are admitted
# by what is in them, so that no other is. It searches in a worker made of its own text.
REDOC_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
)
REDOC_POLICY = f"{POLICY}; style-src 'self' {' '.join(REDOC_STYLES)}; worker-src blob:"


class OpenApiView(ApiView):
    # What is in it is in the source code too.
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @route(
        "get_openapi",
        "An OpenAPI document.",
        response=Annotated[dict[str, Any], "See the OpenAPI Specification, 3.1."],
    )
    def get(self, request: Request) -> HttpResponse:
        """This document."""
        return HttpResponse(routes.text(), content_type="application/json")


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Swagger UI, under the policy of all pages: it needs no exception."""
    return render(request, "docs/swagger.html")


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """Redoc, under the policy of all pages and what it cannot do without."""
    response = render(request, "docs/redoc.html")
    response["Content-Security-Policy"] = REDOC_POLICY
    return response
