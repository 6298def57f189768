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

from audit.record import By
from environments import homes, verbs
from environments.config import surroundings
from environments.models import Environment, Operation
from environments.operations import ledger, process, reading, remains
from environments.operations.operator import Operator
from environments.tests.conftest import Made, ended, until
from executions.upkeep import reconcile
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import sys
from pathlib import Path
from environments import homes
from environments.backends.base import Config, Request
from environments.operations import process
action, standin, home, package = sys.argv[1:]
process.COMMAND = (sys.executable, standin)
asked = Request(action, "pypi", Config("/tmp/none"), home + "/prefix", home, "", (package,))
lock = homes.lock(Path(home), shared=False)
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
    assert ledger.claim("dead:1", 1) == [operation]
    return operation


def tidied() -> bool:
    remains.tidy()
    return True


def long_after() -> dt.datetime:
    return clock.now() + ledger.LEASE + dt.timedelta(seconds=1)


def test_a_create_leaves_neither_row_nor_directory_nor_process(by: By, operator: Operator) -> None:
    operation = claimed(verbs.create("data", packages=["slow"], by=by))
    environment = Environment.objects.get()
    killed(environment, "create", "slow")
    ledger.reconcile(clock.now())
    operation.refresh_from_db()
    assert operation.is_open  # it may live still
    ledger.reconcile(long_after())
    operation.refresh_from_db()
    assert (operation.state, operation.error) == ("failed", ledger.LOST)
    until(lambda: tidied() and not Environment.objects.exists())
    assert list(Path(settings.ENVIRONMENTS_DIR).iterdir()) == []
    assert ended(operator, verbs.create("data", packages=["six"], by=by)).state == "success"


def test_a_change_that_was_cut_off_is_undone(made: Made, by: By, operator: Operator) -> None:
    environment = made("data", "six")
    claimed(verbs.install(environment, ["touched"], by=by))
    killed(environment, "install", "touched")
    ledger.reconcile(long_after())
    environment.refresh_from_db()
    assert environment.state == "broken"
    until(lambda: tidied() and Environment.objects.get().state == "ready")
    assert [package.name for package in reading.installed(environment)] == ["six"]
    assert ended(operator, verbs.install(environment, ["tomli"], by=by)).state == "success"


def test_any_process_that_takes_its_turn_gives_them_up(made: Made, by: By) -> None:
    environment = made("data", "six")
    operation = claimed(verbs.install(environment, ["tomli"], by=by))
    reconcile.reconcile(long_after(), settled=False)
    operation.refresh_from_db()
    assert operation.is_open  # after an outage the living get some time
    reconcile.reconcile(long_after())
    operation.refresh_from_db()
    assert operation.state == "failed"


def test_a_deletion_is_completed(made: Made, by: By) -> None:
    environment = made("data", "six")
    claimed(verbs.delete(environment, by=by))
    ledger.reconcile(long_after())
    assert Environment.objects.get().state == "deleting"
    remains.tidy()
    assert not Environment.objects.exists()
    assert not environment.home.exists()


def test_nothing_is_tidied_under_a_child_that_has_not_noticed(by: By) -> None:
    claimed(verbs.create("data", packages=["slow"], by=by))
    environment = Environment.objects.get()
    child = homes.lock(environment.home, shared=False)
    assert child is not None
    ledger.reconcile(long_after())
    with child:
        remains.tidy()
        assert Environment.objects.exists()
    remains.tidy()
    assert not Environment.objects.exists()


def test_who_was_taken_for_dead_writes_nothing_any_more(by: By) -> None:
    operation = claimed(verbs.create("data", packages=["six"], by=by))
    ledger.reconcile(long_after())
    assert not ledger.renew(operation, "I live")
    assert not ledger.finish(operation, ledger.End(Operation.State.SUCCESS))
    operation.refresh_from_db()
    assert (operation.state, operation.log) == ("failed", "")


def test_a_message_that_was_lost_is_not_missed(by: By, operator: Operator) -> None:
    operation = verbs.create("data", by=by)
    operator.look()  # what the sweep does
    assert verbs.wait(operation, 20).state == "success"


def test_an_operation_is_claimed_once(by: By) -> None:
    verbs.create("data", by=by)
    assert len(ledger.claim("one", 5)) == 1
    assert ledger.claim("other", 5) == []
