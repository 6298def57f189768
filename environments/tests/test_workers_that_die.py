"""A system worker that dies in the middle leaves nothing half-made, and the next operation works."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from audit.record import Actor
from environments import home_directory, verbs
from environments.config import surroundings
from environments.models import Environment, Operation
from environments.operations import cleanup, contents, process, transitions
from environments.operations.worker import OperationWorker
from environments.tests.conftest import Made, ended, until
from executions.upkeep import reconcile
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import sys
from pathlib import Path
from environments import home_directory
from environments.backends.base import Config, Request
from environments.operations import process
action, standin, home, package = sys.argv[1:]
process.COMMAND = (sys.executable, standin)
asked = Request(action, "pypi", Config("/tmp/none"), home + "/prefix", home, "", (package,))
lock = home_directory.lock(Path(home), shared=False)
process.ask(asked, seconds=60, lock=lock, progress=lambda text: print(text, flush=True))
"""


def killed(environment: Environment, action: str, package: str) -> None:
    """A worker that is killed while its child is at work."""
    arguments = (action, process.COMMAND[1], str(environment.home), package)
    env = surroundings() | {
        "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        "DATA_DIR": str(settings.DATA_DIR),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments], stdout=subprocess.PIPE, text=True, env=env
    )
    assert worker.stdout is not None
    while worker.stdout.readline() != "working\n":
        assert worker.poll() is None
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()


def claimed(operation: Operation) -> Operation:
    assert transitions.claim("dead:1", 1) == [operation]
    return operation


def tidied() -> bool:
    cleanup.tidy()
    return True


def long_after() -> dt.datetime:
    return clock.now() + transitions.LEASE + dt.timedelta(seconds=1)


def test_a_create_leaves_neither_row_nor_directory_nor_process(by: Actor, operator: OperationWorker) -> None:
    operation = claimed(verbs.create("data", packages=["slow"], by=by))
    environment = Environment.objects.get()
    killed(environment, "create", "slow")
    transitions.reconcile(clock.now())
    operation.refresh_from_db()
    assert operation.is_open  # it may live still
    transitions.reconcile(long_after())
    operation.refresh_from_db()
    assert (operation.state, operation.error) == ("failed", transitions.LOST)
    until(lambda: tidied() and not Environment.objects.exists())
    assert list(Path(settings.ENVIRONMENTS_DIR).iterdir()) == []
    assert ended(operator, verbs.create("data", packages=["six"], by=by)).state == "success"


def test_a_change_that_was_cut_off_is_undone(made: Made, by: Actor, operator: OperationWorker) -> None:
    environment = made("data", "six")
    claimed(verbs.install(environment, ["touched"], by=by))
    killed(environment, "install", "touched")
    transitions.reconcile(long_after())
    environment.refresh_from_db()
    assert environment.state == "broken"
    until(lambda: tidied() and Environment.objects.get().state == "ready")
    assert [package.name for package in contents.installed(environment)] == ["six"]
    assert ended(operator, verbs.install(environment, ["tomli"], by=by)).state == "success"


def test_any_process_that_takes_its_turn_gives_them_up(made: Made, by: Actor) -> None:
    environment = made("data", "six")
    operation = claimed(verbs.install(environment, ["tomli"], by=by))
    reconcile.reconcile(long_after(), settled=False)
    operation.refresh_from_db()
    assert operation.is_open  # after an outage the living get some time
    reconcile.reconcile(long_after())
    operation.refresh_from_db()
    assert operation.state == "failed"


def test_a_deletion_is_completed(made: Made, by: Actor) -> None:
    environment = made("data", "six")
    claimed(verbs.delete(environment, by=by))
    transitions.reconcile(long_after())
    assert Environment.objects.get().state == "deleting"
    cleanup.tidy()
    assert not Environment.objects.exists()
    assert not environment.home.exists()


def test_nothing_is_tidied_under_a_child_that_has_not_noticed(by: Actor) -> None:
    claimed(verbs.create("data", packages=["slow"], by=by))
    environment = Environment.objects.get()
    child = home_directory.lock(environment.home, shared=False)
    assert child is not None
    transitions.reconcile(long_after())
    with child:
        cleanup.tidy()
        assert Environment.objects.exists()
    cleanup.tidy()
    assert not Environment.objects.exists()


def test_who_was_taken_for_dead_writes_nothing_any_more(by: Actor) -> None:
    operation = claimed(verbs.create("data", packages=["six"], by=by))
    transitions.reconcile(long_after())
    assert not transitions.renew(operation, "I live")
    assert not transitions.finish(operation, transitions.End(Operation.State.SUCCESS))
    operation.refresh_from_db()
    assert (operation.state, operation.log) == ("failed", "")


def test_a_message_that_was_lost_is_not_missed(by: Actor, operator: OperationWorker) -> None:
    operation = verbs.create("data", by=by)
    operator.look()  # what the sweep does
    assert verbs.wait(operation, 20).state == "success"


def test_an_operation_is_claimed_once(by: Actor) -> None:
    verbs.create("data", by=by)
    assert len(transitions.claim("one", 5)) == 1
    assert transitions.claim("other", 5) == []
