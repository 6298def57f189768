"""Finds or creates the environment of a task, and installs its requirements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from django.core.exceptions import ValidationError

from accounts.models import User
from audit.record import Actor
from compat.conda_tasks import access, operations, wire
from compat.conda_tasks.base import Steps, forbid, invalid, refuse
from environments import verbs
from environments.errors import InUse, NameTaken, Refused
from environments.models import LONGEST_NAME, Environment, Operation
from jobs.models import Job
from jobs.runners import clean_options

IN_EXISTING = "Failed to install requirements in existing environment"
IN_NEW = "Failed to install requirements in new environment"
STATE = "Environment may be in an inconsistent state, consider restoring from backup"
# Names that are tried: `data`, `data_1`, `data_2` ...
TRIES = 1000


def lines(text: str) -> list[str]:
    """Those that are no comment."""
    found = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in found if line]


def with_requirements(
    options: Mapping[str, Any], value: Any, failed: str
) -> tuple[dict[str, Any], list[str]]:
    """The options of the job with this text, and its lines. 400, `failed` for lines that cannot be read."""
    if not isinstance(value, str | None):
        invalid("Requirements must be a text")
    plain = {name: given for name, given in options.items() if name != "requirements"}
    packages = lines(value or "")
    if not packages:
        return plain, []
    try:
        return clean_options(Job.Kind.SCRIPT, plain | {"requirements": value}), packages
    except ValidationError as error:
        _fail(failed, operations.fault(" ".join(error.messages), (), error.messages, packages))


def existing(user: User, name: str) -> Environment:
    """The environment that is to be used again. 400."""
    found = next((one for one in access.environments(user).filter(name=name) if one.name == name), None)
    if found is None:
        invalid("Cannot reuse non-existing environment", f"Environment '{name}' not found")
    return found


def install(environment: Environment, packages: Sequence[str], user: User, by: Actor) -> Steps[str]:
    """Installs the lines; what to say of it. 400, 403."""
    if not access.may_change(user, environment):
        forbid("modify packages in this environment")
    try:
        done = yield from operations.carried_out(lambda: verbs.install(environment, packages, by=by), by)
    except InUse as error:
        _fail(IN_EXISTING, operations.fault(str(error), (), (), packages) | referencing(user, error.jobs))
    except (Refused, verbs.Invalid) as error:
        _fail(IN_EXISTING, operations.fault(str(error), (), (), packages))
    if not operations.succeeded(done):
        _fail(IN_EXISTING, operations.failure(done, packages))
    return f"Requirements installed in existing environment '{environment.name}'"


def make(name: str, packages: Sequence[str], by: Actor) -> Steps[tuple[Environment, str]]:
    """A new environment with these packages, of this name or of one like it; what to say of it. 400; then none is left."""
    try:
        done = yield from operations.carried_out(lambda: _begun(name, packages, by), by)
    except (Refused, verbs.Invalid) as error:
        _fail(IN_NEW, operations.fault(str(error), (), (), packages))
    if not operations.succeeded(done) or done.environment is None:
        _fail(IN_NEW, operations.failure(done, packages))
    return done.environment, f"New environment '{done.environment_name}' created with requirements"


def _begun(name: str, packages: Sequence[str], by: Actor) -> Operation:
    """Takes the first free name. Raises NameTaken and Invalid."""
    *names, last = _names(name)
    for free in names:
        with suppress(NameTaken):
            return verbs.create(free, packages=packages, by=by)
    return verbs.create(last, packages=packages, by=by)


def _names(name: str) -> Iterator[str]:
    ends = ["", *(f"_{number}" for number in range(1, TRIES))]
    return (f"{name[: LONGEST_NAME - len(end)]}{end}" for end in ends)


def referencing(user: User, jobs: Sequence[Job]) -> dict[str, Any]:
    """`referencing_tasks`: what those of these jobs run that the account may see."""
    seen = access.tasks(user).filter(pk__in=[job.pk for job in jobs]).order_by("pk")
    return {"referencing_tasks": [wire.script_of(job) for job in seen]}


def _fail(message: str, told: Mapping[str, Any]) -> NoReturn:
    state = {"environment_state": STATE} if message == IN_EXISTING else {}
    details = dict(told)
    refuse(400, message, str(details.pop("error")), **details, **state)
