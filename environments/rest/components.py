"""The pieces of the API's document about environments: what is sent, and what answers hold."""

from __future__ import annotations

from environments.backends.grammar import LONGEST_SPEC, MOST_SPECS
from environments.models import LONGEST_NAME, Environment, Operation
from scheduler_site.openapi.schema import (
    EITHER,
    answer,
    flag,
    listing,
    maybe,
    moment,
    number,
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
