"""The views of environments and of those that were found here. Their packages: packages.py."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import account
from environments import available_backends, usage, verbs
from environments.models import Environment
from environments.rest.access import MayAdd, MayChange, MayDelete, changeable, one, visible
from environments.rest.operations import BEGUN, FOREIGN, EnvironmentsApiView, OperationBegun, by
from environments.rest.packages import BUSY
from environments.rest.payloads import (
    WAIT,
    EnvironmentName,
    EnvironmentToMake,
    EnvironmentToRegister,
    carried_out,
    packages,
    seconds_to_wait,
    text,
)
from environments.rest.wire import (
    DiscoveredEnvironment,
    EnvironmentJson,
    EnvironmentStatistics,
    WholeEnvironment,
    environment_json,
    found_json,
    summary_json,
    whole_json,
)
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Accepted, Answer

NAME_TAKEN = {409: "An environment of this name exists."}


class Environments(TypedDict):
    """The environments."""

    count: Annotated[int, "How many there are."]
    environments: Annotated[list[EnvironmentJson], "By name."]


class OneEnvironment(TypedDict):
    """The environment."""

    environment: WholeEnvironment


class EnvironmentRenamed(TypedDict):
    """The environment."""

    message: Literal["Environment renamed"]
    environment: EnvironmentJson
    updated_jobs: Annotated[int, "How many jobs run in it."]


class Discovered(TypedDict):
    """The environments."""

    count: Annotated[int, "How many there are."]
    environments: Annotated[list[DiscoveredEnvironment], "As they were found."]


class EnvironmentsView(EnvironmentsApiView):
    method_permissions = {"POST": MayAdd}

    @route("list_environments", "The environments.")
    def get(self, request: Request) -> Answer[Environments]:
        """All environments, by name."""
        rows = usage.with_jobs(visible(request)).select_related("created_by").order_by("name")
        found = [environment_json(row) for row in rows]
        return Answer({"count": len(found), "environments": found})

    @route(
        "create_environment",
        BEGUN,
        NAME_TAKEN,
        query=[WAIT],
        request=EnvironmentToMake,
        examples={
            "With packages": {"name": "reports", "python_version": "3.12", "packages": ["pandas>=2.2"]}
        },
    )
    def post(self, request: Request) -> Accepted[OperationBegun]:
        """Make an environment.

        For accounts that may run code. A system worker makes it; one that cannot be made leaves nothing.
        """
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


class EnvironmentView(EnvironmentsApiView):
    method_permissions = {"PUT": MayChange, "DELETE": MayDelete}

    @route("get_environment", "The environment.")
    def get(self, request: Request, environment_id: str) -> Answer[OneEnvironment]:
        """One environment, with its use."""
        found = one(request, environment_id)
        return Answer({"environment": whole_json(found, usage.of(found), account(request))})

    @route(
        "rename_environment",
        "It is renamed; nothing was moved, and its jobs follow.",
        {**FOREIGN, 409: "The name is taken, or a run goes on in it."},
        request=EnvironmentName,
    )
    def put(self, request: Request, environment_id: str) -> Answer[EnvironmentRenamed]:
        """Give an environment another name."""
        found = changeable(request, environment_id)
        name = text(self.payload(), "name")
        jobs = carried_out(lambda: verbs.rename(found, name, by=by(request)))
        renamed = environment_json(one(request, environment_id))
        return Answer({"message": "Environment renamed", "environment": renamed, "updated_jobs": jobs})

    @route("delete_environment", BEGUN, {**FOREIGN, **BUSY}, query=[WAIT])
    def delete(self, request: Request, environment_id: str) -> Accepted[OperationBegun]:
        """Delete an environment.

        Refused while jobs name it. Of a registered one only the registration goes.
        """
        found = changeable(request, environment_id)
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.delete(found, by=by(request)))
        return self.accepted(request, "Environment is being deleted", begun)


class DiscoveredView(EnvironmentsApiView):
    method_permissions = {"POST": MayAdd}

    @route(
        "list_discovered_environments",
        "Those that are not registered yet, as a system worker saw them some minutes ago.",
    )
    def get(self, request: Request) -> Answer[Discovered]:
        """Environments of an installed Conda."""
        found = found_json(available_backends.discovered())
        return Answer({"count": len(found), "environments": found})

    @route("register_environment", BEGUN, NAME_TAKEN, query=[WAIT], request=EnvironmentToRegister)
    def post(self, request: Request) -> Accepted[OperationBegun]:
        """Register an environment that was found.

        It is used where it lies and never changed from here.
        """
        body = self.payload()
        seconds_to_wait(request.query_params)
        made: Environment = carried_out(
            lambda: verbs.register(text(body, "prefix"), text(body, "name"), by=by(request))
        )
        return self.accepted(request, "Environment is being registered", made.operations.latest("id"))


class StatisticsView(EnvironmentsApiView):
    @route("get_environment_statistics", "The figures.")
    def get(self, request: Request) -> Answer[EnvironmentStatistics]:
        """All environments in figures."""
        rows = visible(request)
        return Answer(summary_json(usage.summary(rows), rows.order_by("name")))
