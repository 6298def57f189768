"""The same with the real child process: PyPI environments out of a directory of wheels."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.record import Actor
from environments import home_directory, verbs
from environments.config import surroundings
from environments.models import Environment
from environments.operations import contents, process
from environments.operations.worker import OperationWorker
from environments.tests.conftest import ended, until
from environments.tests.test_operations import left_on_disk, pids_in
from environments.tests.wheels import shelf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _real_child(_stand_in: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-P", "-m", "environments.operations.child"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf(tmp_path / "shelf")))
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def silence() -> Iterator[str]:
    """An index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def versions(environment: Environment) -> dict[str, str]:
    return {package.name: package.version for package in contents.installed(environment)}


def test_an_environment_from_its_making_to_its_end(by: Actor, operator: OperationWorker) -> None:
    operation = ended(operator, verbs.create("data", packages=["hello==1.0"], by=by))
    assert (operation.state, operation.error) == ("success", "")
    environment = Environment.objects.get()
    described = home_directory.read(environment.home)
    assert described is not None
    assert environment.python_version == described.python_version
    assert environment.disk_bytes
    assert versions(environment)["hello"] == "1.0"
    assert ended(operator, verbs.update(environment, by=by)).state == "success"
    assert versions(environment)["hello"] == "1.1"
    assert ended(operator, verbs.remove(environment, ["hello"], by=by)).state == "success"
    assert "hello" not in versions(environment)
    failed = ended(operator, verbs.install(environment, ["no-such-thing"], by=by))
    assert (failed.state, failed.failed_packages) == ("failed", ["no-such-thing"])
    environment.refresh_from_db()
    assert environment.state == "ready"
    assert ended(operator, verbs.delete(environment, by=by)).state == "success"
    assert left_on_disk() == []


def test_a_create_that_is_cancelled_while_it_waits_for_an_index_leaves_nothing(
    by: Actor, operator: OperationWorker, silence: str, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", silence)
    operation = verbs.create("data", packages=["far-away"], by=by)
    home = Environment.objects.get().home
    operator.look()
    until(lambda: (home / "prefix").exists())
    verbs.cancel(operation, by=by)
    assert verbs.wait(operation, 20).state == "cancelled"
    assert left_on_disk() == []
    assert not Environment.objects.exists()


WORKER = """
import sys
from pathlib import Path
from environments import home_directory
from environments.backends.base import Config, Request
from environments.operations import process
home, index = sys.argv[1:]
asked = Request("create", "pypi", Config(home + "/../cache", index_url=index), home + "/prefix", home, "", ("far-away",))
process.ask(asked, seconds=60, lock=home_directory.lock(Path(home), shared=False))
"""


def test_when_the_worker_is_killed_its_child_ends_with_all_that_it_started(
    tmp_path: Path, silence: str
) -> None:
    home = tmp_path / "environments" / ("a" * 32)
    home.parent.mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), silence],
        env=surroundings() | {"DJANGO_SETTINGS_MODULE": "scheduler_site.settings", "DATA_DIR": str(tmp_path)},
    )
    until(lambda: (home / "prefix").exists() and len(pids_in(home)) > 1)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    until(lambda: pids_in(home) == [])
