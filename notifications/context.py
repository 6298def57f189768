"""Context processor: what every page shows of notifications."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from notifications import inbox


def notifications(request: HttpRequest) -> dict[str, Any]:
    """`unread`: how many items of the inbox are new; asked only by pages that show it."""
    return {"unread": SimpleLazyObject(lambda: _unread(request))}


def _unread(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return inbox.unread(user) if isinstance(user, User) else 0
