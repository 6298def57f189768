"""Why a schedule is refused, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from jobs.schedule import ScheduleError
from jobs.schedule.errors import Phrase


def refusal(error: ScheduleError) -> str:
    """What is wrong with a schedule, in the reader's language."""
    return str(_said(error.message))


def _said(part: Any) -> Any:
    if not isinstance(part, Phrase):
        return part
    text = gettext(part.template)
    return text % {name: _said(value) for name, value in part.values.items()} if part.values else text
