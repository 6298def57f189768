"""Context processor: what every page shows of incidents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from incidents import filters


def incidents(request: HttpRequest) -> dict[str, Any]:
    """`open_incidents`: how many of my jobs and teams are open; asked only by pages that show it."""
    return {"open_incidents": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return filters.of_mine(user) if isinstance(user, User) else 0
