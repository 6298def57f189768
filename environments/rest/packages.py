"""The views of the packages of an environment."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rest_framework.request import Request

from environments import verbs
from environments.operations import contents
from environments.rest.access import MayChange, changeable, one
from environments.rest.operations import BEGUN, FOREIGN, EnvironmentsApiView, OperationBegun, by
from environments.rest.payloads import (
    WAIT,
    PackagesToInstall,
    PackagesToUpdate,
    carried_out,
    packages,
    seconds_to_wait,
)
from environments.rest.wire import PackageJson, packages_json
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Accepted, Answer
from scheduler_site.rest.parameters import Text

BUSY = {
    409: "Another operation on it is open, or jobs or runs are in the way; `error` says which, `message` names them."
}
NAMES = Text("packages", "Names, with commas between them.", rules={"examples": ["six,tomli"]})


class Packages(TypedDict):
    """The packages."""

    count: Annotated[int, "How many there are."]
    packages: Annotated[list[PackageJson], "By name."]


class PackagesView(EnvironmentsApiView):
    method_permissions = {"POST": MayChange, "PUT": MayChange, "DELETE": MayChange}

    @route("list_packages", "Read from the environment now.")
    def get(self, request: Request, environment_id: str) -> Answer[Packages]:
        """What is installed in an environment."""
        found = packages_json(contents.installed(one(request, environment_id)))
        return Answer({"count": len(found), "packages": found})

    @route(
        "install_packages",
        BEGUN,
        {**FOREIGN, **BUSY},
        query=[WAIT],
        request=PackagesToInstall,
        examples={"Two": {"packages": ["six", "tomli>=2,<3"]}},
    )
    def post(self, request: Request, environment_id: str) -> Accepted[OperationBegun]:
        """Install packages.

        What cannot be installed changes nothing.
        """
        found = changeable(request, environment_id)
        wanted = packages(self.payload())
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.install(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being installed", begun)

    @route(
        "update_packages", BEGUN, {**FOREIGN, **BUSY}, query=[WAIT], request=PackagesToUpdate, optional=True
    )
    def put(self, request: Request, environment_id: str) -> Accepted[OperationBegun]:
        """Update packages.

        To the newest versions that fit.
        """
        found = changeable(request, environment_id)
        wanted = packages(self.payload(optional=True), required=False)
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.update(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being updated", begun)

    @route("remove_packages", BEGUN, {**FOREIGN, **BUSY}, query=[WAIT, NAMES])
    def delete(self, request: Request, environment_id: str) -> Accepted[OperationBegun]:
        """Remove packages."""
        found = changeable(request, environment_id)
        names = list(filter(None, map(str.strip, NAMES.of(request.query_params).split(","))))
        wanted = packages({"packages": names})
        seconds_to_wait(request.query_params)
        begun = carried_out(lambda: verbs.remove(found, wanted, by=by(request)))
        return self.accepted(request, "Packages are being removed", begun)
