"""Context processor: the banner that starts are held."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.readers import ForReader
from executions.ledger.limits import holds
from executions.models import Hold


def banner(request: HttpRequest) -> dict[str, Any]:
    """`held`: what to say of each hold that concerns the user (lazy: only pages that show it ask)."""
    return {"held": SimpleLazyObject(lambda: _held(request))}


def _held(request: HttpRequest) -> list[str]:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not _active(user):
        return []
    found = Hold.objects.visible_to(user).active().select_related("category").order_by("active")
    return [holds.described(hold) for hold in found]


_active = ForReader(lambda user: Hold.objects.visible_to(user).active().order_by().values_list("pk")[:1])
