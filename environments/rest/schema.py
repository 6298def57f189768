"""What the API's document says of the routes of environments, their packages and their operations."""

from __future__ import annotations

from environments.rest.components import (
    ACCEPTED,
    BUSY,
    ENVIRONMENT,
    FOREIGN,
    NAME,
    OPERATION,
    PACKAGE,
    SPECS,
    TAG,
    WAIT,
    WHOLE,
)
from scheduler_site.openapi.schema import (
    Route,
    answer,
    body,
    constant,
    listing,
    maybe,
    number,
    route,
    stamp,
    text,
    uid,
    whole,
)

ENVIRONMENTS: Route = {
    "get": route(
        "list_environments",
        "All environments, by name",
        TAG,
        {
            200: (
                "The environments.",
                answer(
                    "Environments",
                    "The environments.",
                    {
                        "count": whole("How many there are."),
                        "environments": listing("By name.", ENVIRONMENT),
                    },
                ),
            )
        },
    ),
    "post": route(
        "create_environment",
        "Make an environment",
        TAG,
        {202: ACCEPTED, 409: "An environment of this name exists."},
        about="For accounts that may run code. A system worker makes it; one that cannot be made leaves nothing.",
        query=WAIT,
        takes=body(
            "EnvironmentToMake",
            "What to make.",
            {
                "name": NAME,
                "python_version": maybe(
                    text("`3.12` or `3.12.4`; otherwise as the backend likes.", examples=["3.12"])
                ),
                "packages": maybe(SPECS),
                "backend": maybe(
                    text("`conda` or `pypi`; otherwise as the installation is set up.", examples=["pypi"])
                ),
            },
            required=("name",),
        ),
        examples={
            "With packages": {"name": "reports", "python_version": "3.12", "packages": ["pandas>=2.2"]}
        },
    ),
}
ENVIRONMENT_: Route = {
    "get": route(
        "get_environment",
        "One environment, with its use",
        TAG,
        {200: ("The environment.", answer("", "The environment.", {"environment": WHOLE}))},
    ),
    "put": route(
        "rename_environment",
        "Give an environment another name",
        TAG,
        {
            200: (
                "It is renamed; nothing was moved, and its jobs follow.",
                answer(
                    "EnvironmentRenamed",
                    "The environment.",
                    {
                        "message": constant("Environment renamed"),
                        "environment": ENVIRONMENT,
                        "updated_jobs": whole("How many jobs run in it."),
                    },
                ),
            ),
            403: FOREIGN,
            409: "The name is taken, or a run goes on in it.",
        },
        takes=body("EnvironmentName", "Its new name.", {"name": NAME}, required=("name",)),
    ),
    "delete": route(
        "delete_environment",
        "Delete an environment",
        TAG,
        {202: ACCEPTED, 403: FOREIGN, 409: BUSY},
        about="Refused while jobs name it. Of a registered one only the registration goes.",
        query=WAIT,
    ),
}
PACKAGES: Route = {
    "get": route(
        "list_packages",
        "What is installed in an environment",
        TAG,
        {
            200: (
                "Read from the environment now.",
                answer(
                    "Packages",
                    "The packages.",
                    {"count": whole("How many there are."), "packages": listing("By name.", PACKAGE)},
                ),
            )
        },
    ),
    "post": route(
        "install_packages",
        "Install packages",
        TAG,
        {202: ACCEPTED, 403: FOREIGN, 409: BUSY},
        about="What cannot be installed changes nothing.",
        query=WAIT,
        takes=body("PackagesToInstall", "What to install.", {"packages": SPECS}, required=("packages",)),
        examples={"Two": {"packages": ["six", "tomli>=2,<3"]}},
    ),
    "put": route(
        "update_packages",
        "Update packages",
        TAG,
        {202: ACCEPTED, 403: FOREIGN, 409: BUSY},
        about="To the newest versions that fit.",
        query=WAIT,
        takes=body("PackagesToUpdate", "What to update.", {"packages": maybe(SPECS)}),
        optional=True,
    ),
    "delete": route(
        "remove_packages",
        "Remove packages",
        TAG,
        {202: ACCEPTED, 403: FOREIGN, 409: BUSY},
        query=WAIT | {"packages": text("Names, with commas between them.", examples=["six,tomli"])},
    ),
}
DISCOVERED: Route = {
    "get": route(
        "list_discovered_environments",
        "Environments of an installed Conda",
        TAG,
        {
            200: (
                "Those that are not registered yet, as a system worker saw them some minutes ago.",
                answer(
                    "Discovered",
                    "The environments.",
                    {
                        "count": whole("How many there are."),
                        "environments": listing(
                            "As they were found.",
                            answer(
                                "DiscoveredEnvironment",
                                "One of them.",
                                {
                                    "name": text("Its name there."),
                                    "prefix": text("Its directory."),
                                    "python_version": text("Its Python, where that is known."),
                                },
                            ),
                        ),
                    },
                ),
            )
        },
    ),
    "post": route(
        "register_environment",
        "Register an environment that was found",
        TAG,
        {202: ACCEPTED, 409: "An environment of this name exists."},
        about="It is used where it lies and never changed from here.",
        query=WAIT,
        takes=body(
            "EnvironmentToRegister",
            "Which one, and how it is to be called.",
            {"prefix": text("Its directory, as it was found."), "name": NAME},
            required=("prefix", "name"),
        ),
    ),
}
STATISTICS: Route = {
    "get": route(
        "get_environment_statistics",
        "All environments in figures",
        TAG,
        {
            200: (
                "The figures.",
                answer(
                    "EnvironmentStatistics",
                    "The figures.",
                    {
                        "total_environments": whole("How many there are."),
                        "active_environments": whole("How many of them jobs run in."),
                        "disk_bytes": whole("Their disk space together, as last measured."),
                        "latest": maybe(
                            answer(
                                "LatestEnvironment",
                                "The newest one.",
                                {
                                    "id": uid("Its id."),
                                    "name": text("Its name."),
                                    "created_at": stamp("When it was asked for."),
                                },
                            )
                        ),
                        "usage": listing(
                            "Who is used how much, by name.",
                            answer(
                                "EnvironmentShare",
                                "One environment.",
                                {
                                    "name": text("Its name."),
                                    "jobs": whole("How many jobs run in it."),
                                    "percent": number("Of all jobs that run in one."),
                                },
                            ),
                        ),
                        "packages": listing(
                            "What they have, by name.",
                            answer(
                                "PackageCount",
                                "One environment.",
                                {"name": text("Its name."), "count": whole("How many packages it has.")},
                            ),
                        ),
                    },
                ),
            )
        },
    )
}
OPERATION_: Route = {
    "get": route(
        "get_operation",
        "How an operation stands",
        TAG,
        {200: ("The operation.", answer("", "The operation.", {"operation": OPERATION}))},
        query=WAIT,
    )
}
CANCEL: Route = {
    "post": route(
        "cancel_operation",
        "Cancel an operation",
        TAG,
        {202: ACCEPTED, 403: FOREIGN, 409: "It has ended already."},
        query=WAIT,
        takes=body("Nothing", "Nothing is looked at.", {}),
        optional=True,
    )
}
