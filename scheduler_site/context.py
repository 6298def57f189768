"""What every page shows around its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications import inbox

SECTIONS: list[tuple[str, str | Promise]] = [
    ("dashboard", _("Dashboard")),
    ("jobs", _("Jobs")),
    ("executions", _("Executions")),
    ("environments", _("Environments")),
]
if settings.THEMES_ENABLED:
    SECTIONS.append(("registry", _("Themes")))


@dataclass(frozen=True)
class Link:
    url: str
    label: str | Promise
    current: bool


def site(request: HttpRequest) -> dict[str, Any]:
    """`version`, `zone`, `sections` (the navigation); `default_password`, `unread` (lazy: only pages that show them ask)."""
    return {
        "version": settings.VERSION,
        "zone": settings.SCHEDULER_TIMEZONE,
        "sections": [_link(request.path, reverse(name), label) for name, label in SECTIONS],
        "default_password": SimpleLazyObject(lambda: _default_password(request)),
        "unread": SimpleLazyObject(lambda: _unread(request)),
    }


def _link(path: str, url: str, label: str | Promise) -> Link:
    return Link(url, label, path == url or (url != "/" and path.startswith(f"{url}/")))


def _default_password(request: HttpRequest) -> bool:
    """Whether an account still has the password that everybody knows; told to administrators only."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_perm("accounts.change_user"):
        return False
    return User.objects.filter(must_change_password=True, is_active=True).exists()


def _unread(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return inbox.unread(user) if isinstance(user, User) else 0
