"""Context processor: what every page shows around its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SECTIONS: list[tuple[str, str | Promise]] = [
    ("dashboard", _("Dashboard")),
    ("jobs", _("Jobs")),
    ("executions", _("Executions")),
    ("incidents", _("Incidents")),
    ("environments", _("Environments")),
    ("people", _("People")),
]
if settings.THEMES_ENABLED:
    SECTIONS.append(("registry", _("Themes")))


@dataclass(frozen=True)
class Link:
    url: str
    label: str | Promise
    current: bool


def site(request: HttpRequest) -> dict[str, Any]:
    """`version`, `zone` (pages may show their times in another), `scheduler_zone`, `sections` (the navigation)."""
    return {
        "version": settings.VERSION,
        "zone": settings.SCHEDULER_TIMEZONE,
        "scheduler_zone": settings.SCHEDULER_TIMEZONE,
        "sections": [_link(request.path, reverse(name), label) for name, label in SECTIONS],
    }


def _link(path: str, url: str, label: str | Promise) -> Link:
    return Link(url, label, path == url or (url != "/" and path.startswith(f"{url}/")))
