"""The REST routes that explain cron expressions; they read and change nothing (wire facts, section 8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import schedule, wording
from jobs.rest import tools_schema as schema
from jobs.rest.wire import read_moment, zoned
from jobs.schedule import Cron, DayRule, NeverFires, ScheduleError
from scheduler_site.lib import clock
from scheduler_site.rest.views import ApiError, ApiView

DEFAULT_COUNT = 5
MOST = 20
INVALID = "Invalid cron expression"


@extend_schema_view(**schema.VALIDATE_CRON)
class ValidateCronView(ApiView):
    """POST `{expression, timezone?}`: always 200, with `valid` and the reason."""

    traced = False

    def post(self, request: Request) -> Response:
        try:
            cron = _cron(self.payload())
        except ScheduleError as error:
            return Response({"valid": False, "error": INVALID, "message": str(error)})
        words = wording.in_words(cron)
        return Response({"valid": True, "message": "Cron expression is valid", "in_words": words})


@extend_schema_view(**schema.CRON_PREVIEW)
class CronPreviewView(ApiView):
    """POST `{expression, count?, timezone?, start?}` for the next due times; `notes` tell of clock changes. 400."""

    traced = False

    def post(self, request: Request) -> Response:
        body = self.payload()
        count = _count(body.get("count"))
        try:
            cron = _cron(body)
        except NeverFires as error:
            zone = body.get("timezone") or settings.SCHEDULER_TIMEZONE
            return Response({"timezone": zone, "next_runs": [], "count": 0, "message": str(error)})
        except ScheduleError as error:
            label = INVALID if error.field == "expression" else f"Invalid {error.field}"
            raise ApiError(400, label, str(error)) from error
        found = wording.preview(cron, _start(body.get("start"), cron), count)
        runs = [zoned(occurrence.at, cron.timezone) for occurrence in found]
        notes = [
            {"at": run, "note": occurrence.note}
            for run, occurrence in zip(runs, found, strict=True)
            if occurrence.note
        ]
        answer = {"timezone": cron.timezone, "next_runs": runs, "count": len(runs)}
        return Response(answer | ({"notes": notes} if notes else {}))


def _cron(body: dict[str, Any]) -> Cron:
    """The schedule that the body asks about; raises ScheduleError."""
    text = next((body[key] for key in ("expression", "cron_expression") if body.get(key) is not None), "")
    if not isinstance(text, str):
        raise ScheduleError("A cron expression is a text.")
    name = _given(body, "timezone")
    zone = schedule.zone(settings.SCHEDULER_TIMEZONE if name is None else name)
    return schedule.parse_cron(text, zone.key, _day_rule(body), now=clock.now())


def _given(body: dict[str, Any], key: str) -> Any:
    """None for an empty text as well; what is no text at all is left for others to refuse."""
    value = body.get(key)
    return None if value == "" else value


def _day_rule(body: dict[str, Any]) -> DayRule:
    match _given(body, "day_rule"):
        case None | "either":
            return "either"
        case "both":
            return "both"
    raise ScheduleError("Write day_rule as either or both.", field="day_rule")


def _count(value: Any) -> int:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ApiError(400, "Invalid count", "Write a whole number.")
    return min(max(value or DEFAULT_COUNT, 0), MOST)


def _start(value: Any, cron: Cron) -> dt.datetime:
    if value is None:
        return clock.now()
    try:
        return read_moment(value, cron.timezone)
    except (ValueError, TypeError, AttributeError) as error:
        text = "Write a time such as 2026-03-29T03:00:00+02:00."
        raise ApiError(400, "Invalid start", text) from error
