"""The request of a page behind the login, and who sent it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from audit.record import By


class PageRequest(HttpRequest):
    user: User
    htmx: HtmxDetails


def actor(request: PageRequest) -> By:
    return By.request(request, surface="page")
