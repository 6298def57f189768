"""What the API's document says of environments, their packages and their operations."""

from __future__ import annotations

from environments.backends.grammar import LONGEST_SPEC, MOST_SPECS
from environments.models import LONGEST_NAME, Environment, Operation
from scheduler_site.openapi import (
    EITHER,
    Route,
    answer,
    body,
    constant,
    flag,
    listing,
    maybe,
    moment,
    number,
    route,
    stamp,
    text,
    uid,
    whole,
    word,
)

TAG = "Environments"
FOREIGN = ("The role, or this environment, is not for this account.", EITHER)
BUSY = "Another operation on it is open, or jobs or runs are in the way; `error` says which, `message` names them."
WAIT = {"wait": number("Seconds to wait for the end of the operation.", minimum=0, maximum=60, default=0)}
NAME = text("A label: letters, digits, `_`, `-` and `.`.", maxLength=LONGEST_NAME, examples=["reports"])
SPECS = listing(
    "Specifications: a name, with clauses about its version where not any will do.",
    text("One of them.", maxLength=LONGEST_SPEC, examples=["pandas>=2.2,<3"]),
    maxItems=MOST_SPECS,
)

_ENVIRONMENT = {
    "id": uid("The environment's id; it stays when the name changes."),
    "name": text("Its name."),
    "backend": word("Where its packages come from.", Environment.Backend.values),
    "python_version": text("Its Python: as asked for until it has been made, then exactly."),
    "state": word(
        "Whether scripts can run in it.",
        [state for state in Environment.State.values if state != Environment.State.ABSENT],
    ),
    "error": text("Why it is broken; empty otherwise."),
    "read_only": flag("Whether it was registered where it lies, and is never changed from here."),
    "directory": text("Where it lies."),
    "disk_bytes": maybe(whole("Disk space at the last measurement.")),
    "shared_bytes": maybe(whole("The part of it that is shared with other environments or the cache.")),
    "measured_at": maybe(moment("When that was.")),
    "jobs": whole("How many jobs run in it."),
    "created_by": maybe(text("Who made it.")),
    "created_at": stamp("When that was asked for."),
    "updated_at": stamp("When it was changed last."),
}
ENVIRONMENT = answer("Environment", "An isolated Python with its packages.", _ENVIRONMENT)
OPERATION = answer(
    "Operation",
    "Something that is done to an environment. It goes on by itself; ask for it to learn how it ended.",
    {
        "id": uid("The operation's id."),
        "environment_id": maybe(uid("The environment's id; null when that is gone.")),
        "environment_name": text("The environment's name at the time."),
        "kind": word("What is done.", Operation.Kind.values),
        "packages": listing(
            "What it is about, as it was typed; of an update without any, all.", text("One of them.")
        ),
        "state": word("How it stands.", Operation.State.values),
        "requested_by": maybe(text("Who asked for it.")),
        "created_at": moment("When it was asked for."),
        "started_at": maybe(moment("When a worker began.")),
        "finished_at": maybe(moment("When it ended.")),
        "cancel_requested_at": maybe(moment("When somebody asked it to end.")),
        "progress": text("What the tool says, the end of it where it is long."),
        "error": text("Why it failed, in the tool's own words; empty otherwise."),
        "failed_packages": listing(
            "Those of `packages` that were at fault; none when that is unknown.", text("One of them.")
        ),
        "error_details": listing("A sentence about each.", text("The sentence.")),
    },
)
PACKAGE = answer(
    "Package",
    "An installed package.",
    {
        "name": text("Its name."),
        "version": text("Its version."),
        "source": word("What it was installed from.", ["conda", "pypi"]),
        "build": text("Of a Conda package, its build; else empty."),
    },
)
WHOLE = answer(
    "WholeEnvironment",
    "An environment with its use.",
    _ENVIRONMENT
    | {
        "usage": answer(
            "EnvironmentUsage",
            "How its runs have done.",
            {
                "jobs": whole("How many jobs run in it."),
                "running": whole("Runs that go on in it."),
                "succeeded": whole("Runs that succeeded."),
                "failed": whole("Runs that failed."),
                "success_rate": maybe(number("Percent of those two that succeeded; null before the first.")),
                "mean_duration_seconds": maybe(number("Of runs that succeeded.")),
                "last_used_at": maybe(moment("When its last run started.")),
            },
        ),
        "used_by": listing(
            "Its jobs, as far as this account may see them.",
            answer("", "A job.", {"id": uid("The job's id."), "name": text("The job's name.")}),
        ),
        "operation": maybe(OPERATION),
    },
)
BEGUN = {"message": text("What was begun."), "operation": OPERATION}
ACCEPTED = (
    "It has been written down, and may have ended when the request waited; `state` says so.",
    answer("OperationBegun", "The operation.", BEGUN),
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
