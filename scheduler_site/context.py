"""Context processor: what every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(_request: HttpRequest) -> dict[str, Any]:
    """`version`, `zone` (pages may show their times in another), `scheduler_zone`."""
    return {
        "version": settings.VERSION,
        "zone": settings.SCHEDULER_TIMEZONE,
        "scheduler_zone": settings.SCHEDULER_TIMEZONE,
    }
