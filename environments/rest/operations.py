"""The views of operations, and what every view that begins one answers."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from audit.record import Actor
from environments import verbs
from environments.models import Operation
from environments.rest.access import MayChange, foreign, may_change, operation
from environments.rest.payloads import WAIT, seconds_to_wait
from environments.rest.wire import OperationJson, operation_json
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Accepted, Answer
from scheduler_site.rest.schema_types import Nothing
from scheduler_site.rest.views import ApiError, ApiView

SURFACE = "api"
BEGUN = "It has been written down, and may have ended when the request waited; `state` says so."
FOREIGN = {403: "The role, or this environment, is not for this account."}


class OneOperation(TypedDict):
    """The operation."""

    operation: OperationJson


class OperationBegun(OneOperation):
    """The operation."""

    message: Annotated[str, "What was begun."]


class EnvironmentsApiView(ApiView):
    tag = "Environments"

    def accepted(self, request: Request, message: str, found: Operation) -> Accepted[OperationBegun]:
        """The operation as it is after the wait."""

        def answer() -> Accepted[OperationBegun]:
            stored = Operation.objects.select_related("environment", "requested_by").get(pk=found.pk)
            return Accepted({"message": message, "operation": operation_json(stored)})

        seconds = seconds_to_wait(request.query_params)
        return self.later(request, verbs.until_ended(found, seconds), answer)


def by(request: Request) -> Actor:
    return Actor.request(request, SURFACE)


class OperationView(EnvironmentsApiView):
    @route("get_operation", "The operation.", query=[WAIT])
    def get(self, request: Request, operation_id: str) -> Answer[OneOperation]:
        """How an operation stands."""
        found = operation(request, operation_id)

        def answer() -> Answer[OneOperation]:
            found.refresh_from_db()
            return Answer({"operation": operation_json(found)})

        seconds = seconds_to_wait(request.query_params)
        return self.later(request, verbs.until_ended(found, seconds), answer)


class CancelView(EnvironmentsApiView):
    method_permissions = {"POST": MayChange}

    @route(
        "cancel_operation",
        BEGUN,
        {**FOREIGN, 409: "It has ended already."},
        query=[WAIT],
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request, operation_id: str) -> Accepted[OperationBegun]:
        """Cancel an operation."""
        found = operation(request, operation_id)
        self.payload(optional=True)
        if found.environment is not None and not may_change(account(request), found.environment):
            raise foreign()
        asked: Any = verbs.cancel(found, by=by(request))
        found.refresh_from_db()
        if not asked and not found.is_open:
            raise ApiError(409, "Operation has ended", "An operation that has ended cannot be cancelled.")
        return self.accepted(request, "Operation cancel requested", found)
