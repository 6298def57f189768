"""The REST routes of holds: what keeps runs from starting for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar

from rest_framework.request import Request

from accounts.models import Category
from accounts.rest.permissions import account, needs
from audit.record import Actor
from executions.ledger.limits import holds
from executions.models import Hold
from jobs.rest.access import SURFACE
from jobs.rest.wire import read_until
from jobs.verbs import Refused
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.query import moment
from scheduler_site.rest.schema_types import Moment, Rules, Uid
from scheduler_site.rest.views import ApiError, ApiView, as_uuid

T = TypeVar("T")
MAX_REASON = 500
MAY_HOLD = needs("executions.hold_starts")
Reason = Annotated[str, "Why; everybody is told.", Rules(minLength=1, maxLength=MAX_REASON)]
Until = Annotated[
    Moment | None,
    "When it ends by itself; without an offset in the scheduler's zone. Null: when somebody ends it.",
]
NONE_GOES_ON = {404: "No such hold goes on."}
HAS_ENDED = {409: "It has ended."}


class HoldJson(TypedDict):
    """A time in which no run starts."""

    id: Annotated[Uid, "Its id."]
    category: Annotated[str | None, "The slug of the category whose jobs are held; null: all jobs."]
    reason: Reason
    since: Annotated[Moment, "When it began."]
    until: Annotated[Moment | None, "When it ends by itself."]
    by: Annotated[str, "Who ordered it."]


class HoldList(TypedDict):
    """What is held."""

    holds: Annotated[list[HoldJson], "All jobs first."]


class HoldBegun(TypedDict):
    """The hold."""

    message: Literal["Starts are held"]
    hold: HoldJson


class HoldChanged(TypedDict):
    """The hold as it is now."""

    message: Literal["Hold changed"]
    hold: HoldJson


class HoldEnded(TypedDict):
    """The hold that has ended."""

    message: Literal["Hold ended"]
    hold: HoldJson


class NewHold(TypedDict):
    """What to hold."""

    reason: Reason
    until: NotRequired[Until]
    category: NotRequired[Annotated[str | None, "Slug or name of a category; left out: all jobs."]]


class HoldChanges(TypedDict, total=False):
    """What to change; what is left out stays."""

    reason: Reason
    until: Until


def hold_json(hold: Hold) -> HoldJson:
    return {
        "id": str(hold.uid),
        "category": hold.category.slug if hold.category else None,
        "reason": hold.reason,
        "since": moment(hold.since),
        "until": moment(hold.until),
        "by": hold.by_name,
    }


class HoldsView(ApiView):
    method_permissions = {"POST": MAY_HOLD}

    @route("list_holds", "The holds that go on.")
    def get(self, request: Request) -> Answer[HoldList]:
        """What is held now."""
        visible = Hold.objects.visible_to(account(request)).active()
        found = visible.select_related("category").order_by("active")
        return Answer({"holds": [hold_json(hold) for hold in found]})

    @route("hold_starts", "Nothing starts any more.", {409: "They are held already."}, request=NewHold)
    def post(self, request: Request) -> Created[HoldBegun]:
        """Hold the starts of runs.

        For administrators. Runs that go on go on; what waits keeps waiting; due times leave one row for each job.
        """
        body = self.payload()
        reason, until = read_reason(body), read_until(body.get("until"), future=True)
        category = read_category(body)
        by = Actor.request(request, SURFACE)
        hold = carried_out(lambda: holds.begin(reason=reason, until=until, category=category, by=by))
        return Created({"message": "Starts are held", "hold": hold_json(hold)})


class HoldView(ApiView):
    method_permissions = {"PUT": MAY_HOLD, "DELETE": MAY_HOLD}

    @route("change_hold", "It is changed.", NONE_GOES_ON | HAS_ENDED, request=HoldChanges)
    def put(self, request: Request, hold_id: str) -> Answer[HoldChanged]:
        """Change the reason or the end of a hold.

        For administrators.
        """
        hold, body = _hold(hold_id), self.payload()
        reason = read_reason(body) if "reason" in body else hold.reason
        until = read_until(body["until"], future=True) if "until" in body else hold.until
        by = Actor.request(request, SURFACE)
        hold = carried_out(lambda: holds.change(hold, reason=reason, until=until, by=by))
        return Answer({"message": "Hold changed", "hold": hold_json(hold)})

    @route("end_hold", "What waited starts.", NONE_GOES_ON | HAS_ENDED)
    def delete(self, request: Request, hold_id: str) -> Answer[HoldEnded]:
        """End a hold.

        For administrators.
        """
        hold = _hold(hold_id)
        if not holds.end(hold, by=Actor.request(request, SURFACE)):
            raise ApiError(409, "Not possible", "The hold has ended already.")
        return Answer({"message": "Hold ended", "hold": hold_json(hold)})


def carried_out(verb: Callable[[], T]) -> T:
    try:
        return verb()
    except Refused as refusal:
        raise ApiError(409, "Not possible", str(refusal)) from refusal


def _hold(hold_id: str) -> Hold:
    uid = as_uuid(hold_id)
    hold = Hold.objects.active().select_related("category").filter(uid=uid).first() if uid else None
    if hold is None:
        raise ApiError(404, "Not found", "No hold with this id goes on.")
    return hold


def read_reason(body: Mapping[str, Any]) -> str:
    value = body.get("reason")
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_REASON:
        raise ApiError(400, "Invalid reason", f"Write a text of 1 to {MAX_REASON} characters.")
    return value


def read_category(body: Mapping[str, Any]) -> Category | None:
    value = body.get("category")
    if value is None:
        return None
    found = Category.find(value) if isinstance(value, str) and value else None
    if found is None:
        raise ApiError(
            400, "Invalid category", "Write the slug or the name of a category, or leave it out for all."
        )
    return found
