"""The schedule in a JSON body: its keys, and the kind of schedule that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from jobs.forms.errors import InvalidPayload

KINDS = ("cron", "interval", "once", "none")
SCHEDULE_KEYS = ("expression", "timezone", "day_rule", "every", "period", "at")


def kind_named(*given: Any) -> str:
    """The first kind that is named; empty when none is. Raises InvalidPayload."""
    for kind in given:
        if kind not in (None, "", *KINDS):
            text = _("Write kind as one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)}
            raise InvalidPayload(text, "Invalid schedule")
    return next((str(kind) for kind in given if kind), "")


def kind_of(values: Mapping[str, Any]) -> str:
    """The kind that the given values are of; empty when they do not tell."""
    kinds = {"expression": "cron", "every": "interval", "at": "once"}
    return next((kind for key, kind in kinds.items() if key in values), "")


def refuse_odd_values(values: Mapping[str, Any]) -> None:
    """Raises InvalidPayload for what the form would take for nothing at all, such as an empty list."""
    if not isinstance(values.get("timezone", ""), str):
        raise InvalidPayload(_("A time zone is a name such as Asia/Tokyo."), "Invalid timezone")
    for key, value in values.items():
        if isinstance(value, list | dict):
            label = "Invalid cron expression" if key == "expression" else f"Invalid {key}"
            raise InvalidPayload(_("%(name)s must be a text.") % {"name": key}, label)
