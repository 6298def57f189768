"""The REST routes that explain cron expressions; they read and change nothing (wire facts, section 8)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from django.conf import settings
from rest_framework.request import Request

from jobs import schedule, schedule_text
from jobs.rest.wire import DayRule as DayRuleName
from jobs.rest.wire import Zone, read_moment, zoned
from jobs.schedule import Cron, DayRule, NeverFires, ScheduleError
from scheduler_site.lib import clock
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import whole
from scheduler_site.rest.schema_types import Moment, Rules
from scheduler_site.rest.views import ApiError, ApiView

DEFAULT_COUNT = 5
MOST = 20
INVALID: Literal["Invalid cron expression"] = "Invalid cron expression"


Remarks = Annotated[list[str], "What the author may not mean, such as a step larger than its range."]


class CronQuestion(TypedDict, total=False):
    """A cron expression."""

    expression: Annotated[str | None, "The expression.", Rules(examples=["0 2 * * 1-5"])]
    cron_expression: Annotated[str | None, "The same, where `expression` is not given."]
    timezone: Zone | None
    day_rule: DayRuleName | None


class PreviewQuestion(CronQuestion, total=False):
    """A cron expression, and how much of it to show."""

    count: Annotated[
        int | None, f"How many; at most {MOST}, none when negative.", Rules(default=DEFAULT_COUNT)
    ]
    start: Annotated[str | None, "From when on: ISO 8601; from now without one."]


class CronVerdict(TypedDict):
    """Whether it can be used."""

    valid: Annotated[bool, "Whether it can."]
    message: Annotated[str, "The reason, for people."]
    error: NotRequired[Literal["Invalid cron expression"]]
    in_words: NotRequired[Annotated[str, "What it says."]]
    remarks: NotRequired[Remarks]


class _Note(TypedDict):
    """A note."""

    at: Annotated[Moment, "The due time."]
    note: Annotated[str, "What is odd about it."]


class CronPreview(TypedDict):
    """The next due times."""

    timezone: Annotated[str, "The zone that they are in."]
    next_runs: Annotated[list[Annotated[Moment, "With its offset."]], "The due times."]
    count: Annotated[int, "How many."]
    message: NotRequired[Annotated[str, "Why there is none."]]
    notes: NotRequired[Annotated[list[_Note], "What clock changes do to some of them."]]
    remarks: NotRequired[Remarks]


class _Tools(ApiView):
    tag = "Tools"
    traced = False


class ValidateCronView(_Tools):
    @route(
        "validate_cron",
        "Whether it is, and why not.",
        request=CronQuestion,
        examples={"Weekdays at two": {"expression": "0 2 * * 1-5"}},
    )
    def post(self, request: Request) -> Answer[CronVerdict]:
        """Is this a cron expression?"""
        try:
            cron = _cron(self.payload())
        except ScheduleError as error:
            return Answer({"valid": False, "error": INVALID, "message": str(error)})
        words = schedule_text.in_words(cron)
        told: CronVerdict = {"valid": True, "message": "Cron expression is valid", "in_words": words}
        if remarks := schedule_text.remarks(cron):
            told["remarks"] = remarks
        return Answer(told)


class CronPreviewView(_Tools):
    @route(
        "preview_cron",
        "The next due times.",
        request=PreviewQuestion,
        examples={"The next three": {"expression": "0 2 * * 1-5", "count": 3}},
    )
    def post(self, request: Request) -> Answer[CronPreview]:
        """When would it run?"""
        body = self.payload()
        count = _count(body.get("count"))
        try:
            cron = _cron(body)
        except NeverFires as error:
            zone = body.get("timezone") or settings.SCHEDULER_TIMEZONE
            return Answer({"timezone": zone, "next_runs": [], "count": 0, "message": str(error)})
        except ScheduleError as error:
            label = INVALID if error.field == "expression" else f"Invalid {error.field}"
            raise ApiError(400, label, str(error)) from error
        found = schedule_text.preview(cron, _start(body.get("start"), cron), count)
        runs = [zoned(occurrence.at, cron.timezone) for occurrence in found]
        notes: list[_Note] = [
            {"at": run, "note": occurrence.note}
            for run, occurrence in zip(runs, found, strict=True)
            if occurrence.note
        ]
        told: CronPreview = {"timezone": cron.timezone, "next_runs": runs, "count": len(runs)}
        if notes:
            told["notes"] = notes
        if remarks := schedule_text.remarks(cron):
            told["remarks"] = remarks
        return Answer(told)


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
    count = whole(value)
    if value is not None and count is None:
        raise ApiError(400, "Invalid count", "Write a whole number.")
    return min(max(count or DEFAULT_COUNT, 0), MOST)


def _start(value: Any, cron: Cron) -> dt.datetime:
    if value is None:
        return clock.now()
    try:
        return read_moment(value, cron.timezone)
    except (ValueError, TypeError, AttributeError) as error:
        text = "Write a time such as 2026-03-29T03:00:00+02:00."
        raise ApiError(400, "Invalid start", text) from error
