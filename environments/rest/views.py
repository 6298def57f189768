"""The views: environments, what is in them, what was found here, and operations."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import account
from audit.record import By
from environments import choice, usage, verbs
from environments.models import Environment, Operation
from environments.operations import reading
from environments.rest import schema
from environments.rest.access import (
    MayAdd,
    MayChange,
    MayDelete,
    changeable,
    foreign,
    may_change,
    one,
    operation,
    visible,
)
from environments.rest.payloads import carried_out, packages, seconds_to_wait, text
from environments.rest.wire import (
    environment_json,
    found_json,
    operation_json,
    packages_json,
    summary_json,
    whole_json,
)
from scheduler_site.rest.views import ApiError, ApiView

SURFACE = "api"


class EnvironmentsApiView(ApiView):
    """Base of the views that begin an operation."""

    def accepted(self, request: Request, message: str, found: Operation) -> HttpResponseBase:
        """202 with the operation as it is after the wait."""

        def answer() -> Response:
            stored = Operation.objects.select_related("environment", "requested_by").get(pk=found.pk)
            return Response({"message": message, "operation": operation_json(stored)}, status=202)

        seconds = seconds_to_wait(request.query_params)
        return self.later(request, verbs.until_ended(found, seconds), answer)


def by(request: Request) -> By:
    return By.request(request, SURFACE)


@extend_schema_view(**schema.ENVIRONMENTS)
class EnvironmentsView(EnvironmentsApiView):
    """GET all environments by name; POST begins to make one. 400, 403; 409 for a name that is taken."""

    method_permissions = {"POST": MayAdd}

    def get(self, request: Request) -> Response:
        rows = usage.with_jobs(visible(request)).select_related("created_by").order_by("name")
        found = [environment_json(row) for row in rows]
        return Response({"count": len(found), "environments": found})

    def post(self, request: Request) -> HttpResponseBase:
        body = self.payload()
        seconds_to_wait(request.query_params)
        begun = carried_out(
            lambda: verbs.create(
                text(body, "name"),
                python=text(body, "python_version"),
                packages=packages(body, required=False),
                backend=text(body, "backend"),
                by=by(request),
            )
        )
        return self.accepted(request, "Environment is being created", begun)


@extend_schema_view(**schema.ENVIRONMENT_)
class EnvironmentView(EnvironmentsApiView):
    """One environment: GET with its use; PUT `{name}` renames; DELETE begins to delete. 400, 403, 404, 409."""

    method_permissions = {"PUT": MayChange, "DELETE": MayDelete}

    def get(self, request: Request, environment_id: str) -> Response:
        found = one(request, environment_id)
        return Response({"environment": whole_json(found, usage.of(found), account(request))})

    def put(self, request: Request, environment_id: str) -> Response:
        found = changeable(request, environment_id)
        name = text(self.payload(), "name")
        jobs = carried_out(lambda: verbs.rename(found, name, by=by(request)))
        renamed = environment_json(one(request, environment_id))
        return Response({"message": "Environment renamed", "environment": renamed, "updated_jobs": jobs})

    def delete(self, request: Request, environment_id: str) -> HttpResponseBase:
        found = changeable(request, environment_id)
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.delete(found, by=by(request)))
        return self.accepted(request, "Environment is being deleted", begun)


@extend_schema_view(**schema.PACKAGES)
class PackagesView(EnvironmentsApiView):
    """What is installed: GET; POST begins to install, PUT to update, DELETE to remove. 400, 403, 404, 409."""

    method_permissions = {"POST": MayChange, "PUT": MayChange, "DELETE": MayChange}

    def get(self, request: Request, environment_id: str) -> Response:
        found = packages_json(reading.installed(one(request, environment_id)))
        return Response({"count": len(found), "packages": found})

    def post(self, request: Request, environment_id: str) -> HttpResponseBase:
        found = changeable(request, environment_id)
        wanted = packages(self.payload())
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.install(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being installed", begun)

    def put(self, request: Request, environment_id: str) -> HttpResponseBase:
        found = changeable(request, environment_id)
        wanted = packages(self.payload(optional=True), required=False)
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.update(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being updated", begun)

    def delete(self, request: Request, environment_id: str) -> HttpResponseBase:
        found = changeable(request, environment_id)
        names = list(filter(None, map(str.strip, request.query_params.get("packages", "").split(","))))
        wanted = packages({"packages": names})
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.remove(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being removed", begun)


@extend_schema_view(**schema.DISCOVERED)
class DiscoveredView(EnvironmentsApiView):
    """GET what an installed Conda has; POST `{prefix, name}` registers one of them. 400, 403, 409."""

    method_permissions = {"POST": MayAdd}

    def get(self, request: Request) -> Response:
        found = found_json(choice.discovered())
        return Response({"count": len(found), "environments": found})

    def post(self, request: Request) -> HttpResponseBase:
        body = self.payload()
        seconds_to_wait(request.query_params)
        made: Environment = carried_out(
            lambda: verbs.register(text(body, "prefix"), text(body, "name"), by=by(request))
        )
        return self.accepted(request, "Environment is being registered", made.operations.latest("id"))


@extend_schema_view(**schema.STATISTICS)
class StatisticsView(ApiView):
    """GET the counts over all environments."""

    def get(self, request: Request) -> Response:
        rows = visible(request)
        return Response(summary_json(usage.summary(rows), rows.order_by("name")))


@extend_schema_view(**schema.OPERATION_)
class OperationView(ApiView):
    """GET how an operation stands, and what its tool said. 404."""

    def get(self, request: Request, operation_id: str) -> HttpResponseBase:
        found = operation(request, operation_id)

        def answer() -> Response:
            found.refresh_from_db()
            return Response({"operation": operation_json(found)})

        seconds = seconds_to_wait(request.query_params)
        return self.later(request, verbs.until_ended(found, seconds), answer)


@extend_schema_view(**schema.CANCEL)
class CancelView(EnvironmentsApiView):
    """POST: ends a waiting operation, asks a running one to end. 403, 404; 409 when it has ended."""

    method_permissions = {"POST": MayChange}

    def post(self, request: Request, operation_id: str) -> HttpResponseBase:
        found = operation(request, operation_id)
        self.payload(optional=True)
        if found.environment is not None and not may_change(account(request), found.environment):
            raise foreign()
        asked: Any = verbs.cancel(found, by=by(request))
        found.refresh_from_db()
        if not asked and not found.is_open:
            raise ApiError(409, "Operation has ended", "An operation that has ended cannot be cancelled.")
        return self.accepted(request, "Operation cancel requested", found)
