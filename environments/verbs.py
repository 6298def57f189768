"""What people do to environments. Each verb is written here once; pages, APIs and commands call it.

Creating, changing and deleting take time: these verbs write an operation down, which a system worker carries out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, record
from environments import available_backends
from environments.backends import validators
from environments.backends.base import Invalid
from environments.errors import Busy, InUse, NameTaken, ReadOnly, Refused
from environments.models import Environment, Operation
from environments.operations import cleanup, transitions
from environments.operations.carry_out import CANCELLED
from environments.operations.publish import announce_soon
from scheduler_site.lib import clock
from scheduler_site.lib.deferred import Wait

Backend, State, Kind = Environment.Backend, Environment.State, Operation.Kind

__all__ = [
    "Busy",
    "InUse",
    "Invalid",
    "NameTaken",
    "ReadOnly",
    "Refused",
    "cancel",
    "create",
    "delete",
    "ended",
    "install",
    "named",
    "register",
    "remove",
    "rename",
    "until_ended",
    "update",
    "wait",
]

CREATABLE = (Backend.CONDA, Backend.PYPI)


def create(
    name: str, *, python: str = "", packages: Sequence[str] = (), backend: str = "", by: Actor
) -> Operation:
    """Begins to make an environment; of the default backend when none is named. A name that only jobs know is taken over.

    Raises NameTaken and Invalid.
    """
    backend = _creatable(backend)
    validators.environment_name(name)
    validators.python_version(python)
    typed = _checked(packages, backend)
    with transaction.atomic():
        environment = _with_name(name, backend=backend, python_version=python, state=State.CREATING, by=by)
        changes = {"backend": backend, "python_version": python, "packages": typed}
        record(Entry.Event.ADDED, environment, by=by, changes=difference({}, changes))
        return _open(environment, Kind.CREATE, typed, by)


def install(environment: Environment, packages: Sequence[str], *, by: Actor) -> Operation:
    """Begins to install these packages. Raises InUse while a run goes on in the environment, Busy, ReadOnly, Invalid."""
    return _change(environment, Kind.INSTALL, packages, by)


def remove(environment: Environment, packages: Sequence[str], *, by: Actor) -> Operation:
    """Begins to remove these packages; raises as `install` does."""
    return _change(environment, Kind.REMOVE, packages, by)


def update(environment: Environment, packages: Sequence[str] = (), *, by: Actor) -> Operation:
    """Begins to bring these packages, or all, to the newest versions that fit; raises as `install` does."""
    return _change(environment, Kind.UPDATE, packages, by)


def delete(environment: Environment, *, by: Actor) -> Operation:
    """Begins to delete an environment. Of a registered one only the row goes, at once.

    Raises InUse when any job names it, and Busy.
    """
    with transaction.atomic():
        environment = _locked(environment)
        if jobs := list(environment.jobs.order_by("name")):
            raise InUse(_("Jobs use this environment: %(jobs)s.") % {"jobs": _names(jobs)}, jobs)
        operation = _open(environment, Kind.DELETE, [], by)
        if environment.is_read_only:
            home = environment.home
            transitions.finish(
                operation, transitions.End(Operation.State.SUCCESS), was=Operation.State.QUEUED
            )
            transaction.on_commit(lambda: cleanup.remove(home))
            operation.refresh_from_db()
        else:
            Environment.objects.filter(pk=environment.pk).update(state=State.DELETING)
            changes = difference({"state": environment.state}, {"state": str(State.DELETING)})
            record(Entry.Event.MODIFIED, environment, by=by, changes=changes)
        return operation


def rename(environment: Environment, name: str, *, by: Actor) -> int:
    """Gives an environment another name, which moves nothing; how many jobs name it.

    Jobs that know the new name already, as one that does not exist, run in this environment from now on.
    Raises NameTaken, Invalid, Busy, and InUse while a run goes on in it.
    """
    validators.environment_name(name)
    with transaction.atomic():
        environment = _locked(environment)
        _not_running(environment)
        old = environment.name
        if name != old:
            _make_room(name, environment)
            _update_name(environment, name, by)
            environment.name = name
            record(
                Entry.Event.MODIFIED, environment, by=by, changes=difference({"name": old}, {"name": name})
            )
        return environment.jobs.count()


def register(prefix: str, name: str, *, by: Actor) -> Environment:
    """Makes an environment that was found here known under a name, once a worker has read it; it is used and never changed.

    Raises Invalid for a directory that was not discovered, and NameTaken.
    """
    validators.environment_name(name)
    found = next((one for one in available_backends.discovered() if one.prefix == prefix), None)
    if found is None:
        raise Invalid(_("No environment was found in this directory."))
    with transaction.atomic():
        environment = _with_name(
            name,
            backend=Backend.EXTERNAL,
            python_version=found.python_version[:32],
            state=State.CREATING,
            registered_prefix=prefix,
            by=by,
        )
        record(Entry.Event.ADDED, environment, by=by, changes=difference({}, {"directory": prefix}))
        _open(environment, Kind.CREATE, [], by)
    return environment


def named(name: str) -> Environment:
    """The environment of this name, or a row that stands for one that does not exist. Raises Invalid."""
    validators.environment_name(name)
    environment, _made = Environment.objects.get_or_create(name=name, defaults={"state": State.ABSENT})
    return environment


@transaction.atomic
def cancel(operation: Operation, *, by: Actor) -> bool:
    """Ends a waiting operation at once, and asks the worker of a running one to end it. False when it had ended already."""
    words = transitions.End(Operation.State.CANCELLED, CANCELLED)
    asked = transitions.finish(operation, words, was=Operation.State.QUEUED) or Operation.objects.filter(
        pk=operation.pk, state=Operation.State.RUNNING, cancel_requested_at=None
    ).update(cancel_requested_at=clock.now())
    if asked:
        record(Entry.Event.STOPPED, operation, by=by)
    return bool(asked)


def ended(keys: Collection[int]) -> Collection[int]:
    """The keys of operations that are not open (any more)."""
    going = Operation.objects.filter(pk__in=keys).open().values_list("pk", flat=True)
    return set(keys) - set(going)


def until_ended(operation: Operation, seconds: float) -> Wait:
    """For the end of an operation."""
    return Wait(operation.pk, seconds, ended)


def wait(operation: Operation, seconds: float) -> Operation:
    """The operation as soon as it has ended, or as it is when `seconds` are over; this thread waits."""
    until_ended(operation, seconds).here()
    operation.refresh_from_db()
    return operation


def _change(environment: Environment, kind: Operation.Kind, packages: Sequence[str], by: Actor) -> Operation:
    if environment.is_read_only:
        raise ReadOnly(
            _("This environment was registered where it lies: its packages are not changed from here.")
        )
    typed = _checked(packages, environment.backend)
    if not typed and kind != Kind.UPDATE:
        raise Invalid(_("Name at least one package."))
    with transaction.atomic():
        environment = _locked(environment)
        _not_running(environment)
        operation = _open(environment, kind, typed, by)
        changes = {"packages": {"old": None, "new": typed}}
        record(Entry.Event.MODIFIED, environment, by=by, changes=changes, description=str(kind))
        return operation


def _open(environment: Environment, kind: Operation.Kind, packages: Sequence[str], by: Actor) -> Operation:
    """Records an operation and announces it to the workers. Raises Busy while another one is open."""
    try:
        with transaction.atomic():
            operation = Operation.objects.create(
                environment=environment,
                environment_name=environment.name,
                kind=kind,
                packages=list(packages),
                requested_by=by.user,
                busy=environment.pk,
                created_at=clock.now(),
            )
    except IntegrityError as error:
        raise Busy(_("Another operation on this environment has not ended.")) from error
    announce_soon()
    return operation


def _locked(environment: Environment) -> Environment:
    """The environment as it is now, kept from others until the transaction ends. Raises Busy and Refused."""
    row = Environment.objects.select_for_update().filter(pk=environment.pk).first()
    if row is None or row.state == State.ABSENT:
        raise Refused(_("The environment does not exist any more."))
    if row.state == State.CREATING:
        raise Busy(_("The environment is being created."))
    if row.state == State.DELETING:
        raise Busy(_("The environment is being deleted."))
    return row


def _not_running(environment: Environment) -> None:
    if jobs := list(environment.jobs.filter(executions__state="running").distinct().order_by("name")):
        text = _("Runs go on in this environment, of: %(jobs)s. Try again when they have ended.")
        raise InUse(text % {"jobs": _names(jobs)}, jobs)


def _names(jobs: Sequence[Any]) -> str:
    shown = ", ".join(job.name for job in jobs[:10])
    return f"{shown}, …" if len(jobs) > 10 else shown


def _with_name(name: str, *, by: Actor, **columns: Any) -> Environment:
    """A row of this name: a new one, or that of a name which only jobs know. Raises NameTaken."""
    columns = {"registered_prefix": "", "error": "", "created_by": by.user, "updated_by": by.user} | columns
    now = clock.now()
    absent = Environment.objects.filter(name=name, state=State.ABSENT)
    if absent.update(**columns, created_at=now, updated_at=now):
        return Environment.objects.get(name=name)
    # A name that a job made known just now would be refused; asked for again it is taken over.
    try:
        with transaction.atomic():
            return Environment.objects.create(name=name, **columns)
    except IntegrityError as error:
        raise _taken(name) from error


def _make_room(name: str, environment: Environment) -> None:
    """Takes over the jobs that know the name as one that does not exist."""
    absent = Environment.objects.select_for_update().filter(name=name, state=State.ABSENT).first()
    if absent is not None:
        absent.jobs.update(environment=environment)
        absent.delete()


def _update_name(environment: Environment, name: str, by: Actor) -> None:
    rows = Environment.objects.filter(pk=environment.pk)
    try:
        with transaction.atomic():
            rows.update(name=name, updated_by=by.user, updated_at=clock.now())
    except IntegrityError as error:
        raise _taken(name) from error


def _taken(name: str) -> NameTaken:
    return NameTaken(_("There is an environment named %(name)s already.") % {"name": name})


def _creatable(backend: str) -> str:
    backend = backend or available_backends.default_backend()
    if backend not in CREATABLE:
        raise Invalid(_("Environments are made of conda or pypi packages."))
    return backend


def _checked(packages: Sequence[str], backend: str) -> list[str]:
    """As they were typed, blanks around them excepted. Raises Invalid that names the first one at fault."""
    typed = [text.strip() for text in packages]
    validators.specs(typed, conda=backend != Backend.PYPI)
    return list(dict.fromkeys(typed))
