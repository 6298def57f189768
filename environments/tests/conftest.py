"""Environments in a directory of the test's own, made by a stand-in for the child process, without a broker."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from audit.record import Actor
from environments import verbs
from environments.models import Environment, Operation
from environments.operations import process, publish
from environments.operations.worker import OperationWorker

STANDIN = str(Path(__file__).with_name("standin.py"))


@pytest.fixture(autouse=True)
def _stand_in(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path / "environments"
    settings.ENVIRONMENT_BACKEND = "pypi"
    monkeypatch.setattr(process, "COMMAND", (sys.executable, STANDIN))
    monkeypatch.setattr(process, "GRACE", 0.5)
    monkeypatch.setattr(publish, "announce", lambda: None)


@pytest.fixture
def by(ada: User) -> Actor:
    return Actor(ada, "api")


@pytest.fixture
def operator() -> Iterator[OperationWorker]:
    """A system worker's operator, whose threads see what the test has committed."""
    operator = OperationWorker("worker:1")
    yield operator
    operator.shut_down(0)


Made = Callable[..., Environment]


@pytest.fixture
def made(by: Actor, operator: OperationWorker) -> Made:
    """`made("data", "six")`: an environment that is ready."""

    def make(name: str = "data", *packages: str) -> Environment:
        operation = verbs.create(name, packages=packages, by=by)
        ended(operator, operation)
        return Environment.objects.get(name=name)

    return make


def ended(operator: OperationWorker, operation: Operation) -> Operation:
    """The operation after somebody has carried it out."""
    operator.look()
    operation = verbs.wait(operation, 30)
    assert not operation.is_open
    settled(operator)
    return operation


def settled(operator: OperationWorker) -> None:
    """Waits until the operator's threads have nothing in hand."""
    until(lambda: not operator._at_work)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        threading.Event().wait(0.02)
