"""Which version of its job a run used: `{% load versions %}`."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django import template

from audit.models import Entry
from jobs import versions

register = template.Library()


@register.simple_tag
def version_used(
    uid: uuid.UUID, at: dt.datetime, definition: dict[str, Any]
) -> tuple[Entry, list[str]] | None:
    """Its entry, and the fields in which the run differs from it; None where no version is on record."""
    return versions.used(uid, at, definition)
