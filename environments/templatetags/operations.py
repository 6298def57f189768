"""Operations on pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext

from environments.models import Operation
from environments.operations import carry_out, transitions

register = template.Library()

OWN = {
    carry_out.LOCKED,
    carry_out.TOO_LONG,
    carry_out.CANCELLED,
    carry_out.SHUTDOWN,
    transitions.LOST,
    transitions.UNSURE,
}


@register.filter
def own_words(text: str) -> str:
    """Our own sentences in the reader's language; what a tool said stays as it is."""
    first, line, rest = text.partition("\n")
    return f"{gettext(first)}{line}{rest}" if first in OWN else text


@register.filter
def took(operation: Operation) -> dt.timedelta | None:
    if operation.started_at is None or operation.finished_at is None:
        return None
    return operation.finished_at - operation.started_at


@register.filter
def last_line(text: str) -> str:
    """Where a backend says which address it tried and what to set."""
    return text.strip().rpartition("\n")[2]


@register.filter
def of(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key)
