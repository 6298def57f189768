"""The REST route of limits: how many runs of a key or of a category may go on at once."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from executions.ledger.limits import concurrency
from executions.models import Limit
from executions.rest.holds import read_category
from jobs.rest.access import SURFACE
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import whole
from scheduler_site.rest.schema_types import Rules
from scheduler_site.rest.views import ApiError, ApiView

MAY_LIMIT = needs("executions.change_limits")
Most = Annotated[int | None, Rules(minimum=1, maximum=concurrency.MOST)]


class LimitJson(TypedDict):
    """How many runs may go on at once."""

    key: Annotated[str | None, "Of all jobs with this key."]
    category: Annotated[str | None, "Of the category with this slug."]
    most: Annotated[Most, "How many; null: no bound. A key for which nothing was said has one."]
    running: Annotated[int, "Runs that go on."]
    waiting: Annotated[int, "Runs that wait for a place."]


class LimitList(TypedDict):
    """All limits."""

    limits: Annotated[list[LimitJson], "By name."]


class LimitChanged(TypedDict):
    """The limit."""

    message: Literal["Limit changed"]
    limit: LimitJson


class LimitChange(TypedDict):
    """One of `key` and `category`."""

    key: NotRequired[Annotated[str | None, "The key.", Rules(minLength=1, maxLength=64)]]
    category: NotRequired[Annotated[str | None, "Slug or name of the category."]]
    most: Annotated[Most, "How many; null: as if nobody had said anything."]


def limit_json(limit: Limit) -> LimitJson:
    return {
        "key": None if limit.category_id else limit.scope.removeprefix("key:"),
        "category": limit.category.slug if limit.category else None,
        "most": concurrency.most_of(limit.scope) if limit.most or not limit.category_id else None,
        "running": concurrency.running(limit.scope),
        "waiting": concurrency.waiting(limit.scope),
    }


class LimitsView(ApiView):
    method_permissions = {"GET": MAY_LIMIT, "PUT": MAY_LIMIT}

    @route("list_limits", "Keys and categories.")
    def get(self, request: Request) -> Answer[LimitList]:
        """How many runs may go on at once.

        For administrators.
        """
        return Answer({"limits": [limit_json(limit) for limit in concurrency.shown()]})

    @route("change_limit", "It is changed.", request=LimitChange)
    def put(self, request: Request) -> Answer[LimitChanged]:
        """Change how many runs of a key or a category may go on at once.

        For administrators. Runs that go on are not stopped by it.
        """
        body = self.payload()
        category, key, most = read_category(body), body.get("key"), whole(body.get("most"))
        if (category is None) == (key is None):
            raise ApiError(400, "Invalid key", "Name a key or a category.")
        if key is not None and not (isinstance(key, str) and concurrency.is_key(key)):
            raise ApiError(400, "Invalid key", "Write 1 to 64 letters, digits, dots, - and _.")
        unlimited = body.get("most") is None
        if not unlimited and (most is None or not 1 <= most <= concurrency.MOST):
            raise ApiError(
                400, "Invalid most", f"Write a whole number from 1 to {concurrency.MOST}, or null."
            )
        limit = concurrency.set_limit(
            most, by=Actor.request(request, SURFACE), key=key or "", category=category
        )
        return Answer({"message": "Limit changed", "limit": limit_json(limit)})
