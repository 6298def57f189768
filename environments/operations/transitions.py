"""Every transition of an operation: a conditional UPDATE, and in the same transaction what it means for the environment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_noop as _

from audit.models import Entry
from audit.record import Actor, record
from environments.models import Environment, Operation
from scheduler_site.lib import clock
from scheduler_site.lib.text import storable

Kind, State = Operation.Kind, Operation.State

# A worker counts as dead this long after it last renewed the lease.
LEASE = dt.timedelta(seconds=45)
# Characters that are kept of a tool's output.
LONGEST_LOG = 64 * 1024
LONGEST_ERROR = 16 * 1024
LOST = _("The worker that carried this operation out ended or lost touch with the database.")
# What a package operation leaves when it was interrupted.
UNSURE = _("A change of its packages was interrupted; it is about to be undone.")


@dataclass(frozen=True)
class End:
    """How an operation ended.

    broken: why the environment may not be what it was, empty when it is; left: what is to be removed is still there.
    """

    state: Operation.State
    error: str = ""
    packages: Sequence[str] = ()
    details: Sequence[str] = ()
    broken: str = ""
    left: bool = False
    # Columns of the environment, as they were found after it.
    found: Mapping[str, Any] = field(default_factory=dict)


def claim(worker: str, most: int) -> list[Operation]:
    """At most so many waiting operations, the oldest first, which are this worker's from now on."""
    claimed: list[Operation] = []
    waiting = Operation.objects.filter(state=State.QUEUED).order_by("id")
    for key in list(waiting.values_list("pk", flat=True)[:most]):
        now = clock.now()
        begun: dict[str, Any] = {"state": State.RUNNING, "started_at": now, "lease_until": now + LEASE}
        if Operation.objects.filter(pk=key, state=State.QUEUED).update(**begun, worker=worker[:120]):
            claimed.append(Operation.objects.select_related("environment").get(pk=key))
    return claimed


def renew(operation: Operation, log: str) -> bool:
    """Records progress and renews the lease. False if the operation no longer belongs to the worker."""
    running = Operation.objects.filter(pk=operation.pk, state=State.RUNNING)
    return bool(running.update(log=cut(log), lease_until=clock.now() + LEASE))


def is_cancelled(operation: Operation) -> bool:
    return Operation.objects.filter(pk=operation.pk, cancel_requested_at__isnull=False).exists()


@transaction.atomic
def finish(
    operation: Operation, end: End, *, log: str | None = None, was: Operation.State = State.RUNNING
) -> bool:
    """Records the end of an operation once. False if it had already ended."""
    columns: dict[str, Any] = {
        "state": end.state,
        "error": storable(end.error)[-LONGEST_ERROR:],
        "failed_packages": [storable(name) for name in end.packages],
        "error_details": [storable(text)[:2000] for text in end.details],
        "finished_at": clock.now(),
        "lease_until": None,
        "busy": None,
    }
    if log is not None:
        columns["log"] = cut(log)
    if not Operation.objects.filter(pk=operation.pk, state=was).update(**columns):
        return False
    environment = Environment.objects.select_for_update().filter(operations=operation).first()
    if environment is not None:
        _settle(environment, operation, end)
    return True


def _settle(environment: Environment, operation: Operation, end: End) -> None:
    """What the end of an operation means for its environment."""
    succeeded = end.state == State.SUCCESS
    if end.left and operation.kind in (Kind.CREATE, Kind.DELETE):
        return  # the sweep removes it, then the row
    if operation.kind == Kind.CREATE and not succeeded:
        dissolve(environment, by=Actor.system(), why=end.error)
    elif operation.kind == Kind.DELETE and succeeded:
        dissolve(environment, by=Actor(operation.requested_by))
    elif succeeded:
        _change(environment, state=Environment.State.READY, error="", **end.found)
    elif end.broken:
        _change(environment, state=Environment.State.BROKEN, error=cut(end.broken), **end.found)
    elif operation.kind == Kind.DELETE:
        # Nobody has touched it. That it was broken before is known by its error.
        was = Environment.State.BROKEN if environment.error else Environment.State.READY
        _change(environment, state=was)


def found(done: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an environment, from what a child process says of it (environments/operations/child.py)."""
    disk = done.get("disk") or {}
    return {
        "python_version": str(done.get("python_version", ""))[:32],
        "disk_bytes": disk.get("total"),
        "shared_bytes": disk.get("shared"),
        "measured_at": clock.now() if disk else None,
    }


def _change(environment: Environment, **columns: Any) -> None:
    Environment.objects.filter(pk=environment.pk).update(**columns, updated_at=clock.now())


@transaction.atomic
def dissolve(environment: Environment, *, by: Actor, why: str = "") -> None:
    """Deletes the row of an environment whose directory is gone; if jobs use its name, the row stays as absent."""
    record(Entry.Event.DELETED, environment, by=by, description=storable(why)[:500])
    try:
        with transaction.atomic():
            environment.delete()
    except (ProtectedError, IntegrityError):
        _change(
            environment,
            state=Environment.State.ABSENT,
            python_version="",
            error="",
            registered_prefix="",
            backend="",
            disk_bytes=None,
            shared_bytes=None,
            measured_at=None,
        )


def reconcile(now: dt.datetime) -> None:
    """Gives up operations whose worker was not heard of; what they leave on disk is the sweep's business.

    A change of packages that was cut off in the middle may have left anything: the environment says so from now on.
    """
    for operation in Operation.objects.expired(now)[:100]:
        finish(operation, End(State.FAILED, LOST, broken=UNSURE, left=True))


def mended(environment: Environment, done: Mapping[str, Any]) -> None:
    """A change that was cut off is undone."""
    rows = Environment.objects.filter(pk=environment.pk, state=Environment.State.BROKEN, error=UNSURE)
    rows.update(state=Environment.State.READY, error="", **found(done))


def unmended(environment: Environment, why: str) -> None:
    """And one that cannot be undone is not tried again and again."""
    rows = Environment.objects.filter(pk=environment.pk, state=Environment.State.BROKEN, error=UNSURE)
    rows.update(error=cut(f"{LOST}\n{why}"))


def cut(log: str) -> str:
    """The end of what a tool said, from the beginning of a line."""
    log = storable(log)
    if len(log) <= LONGEST_LOG:
        return log
    return log[-LONGEST_LOG:].partition("\n")[2]
