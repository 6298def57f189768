"""An operation that was asked for is carried out by a system worker, and ends in a state that says what became of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from django.conf import settings

from audit.record import Actor
from environments import home_directory, verbs
from environments.models import Environment, Operation
from environments.operations import carry_out, contents, transitions
from environments.operations.worker import OperationWorker
from environments.tests.conftest import Made, ended, settled, until

pytestmark = pytest.mark.django_db(transaction=True)

State = Operation.State


def names(environment: Environment) -> list[str]:
    return [package.name for package in contents.installed(environment)]


def left_on_disk() -> list[Path]:
    root: Path = settings.ENVIRONMENTS_DIR
    return [path for path in root.iterdir() if path.name != "cache"] if root.exists() else []


def pids_in(operation_home: Path) -> list[int]:
    """Processes that have the lock of this environment open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == str(operation_home / "lock"):
                found.append(int(link.parts[2]))
        except OSError:
            continue
    return [pid for pid in set(found) if pid != os.getpid()]


def test_a_new_environment_is_ready_with_its_version_its_packages_and_its_size(
    by: Actor, operator: OperationWorker
) -> None:
    operation = verbs.create("data", python="3.12", packages=["six"], by=by)
    assert Environment.objects.get(name="data").state == "creating"
    operation = ended(operator, operation)
    environment = Environment.objects.get(name="data")
    assert (operation.state, operation.error, environment.state) == (State.SUCCESS, "", "ready")
    assert "create six" in operation.log
    assert (environment.python_version, environment.disk_bytes, environment.shared_bytes) == (
        "3.12.7",
        4096,
        1024,
    )
    assert names(environment) == ["six"]


def test_packages_are_installed_and_removed(made: Made, by: Actor, operator: OperationWorker) -> None:
    environment = made("data", "six")
    assert ended(operator, verbs.install(environment, ["tomli>=2"], by=by)).state == State.SUCCESS
    assert names(environment) == ["six", "tomli"]
    assert ended(operator, verbs.remove(environment, ["six"], by=by)).state == State.SUCCESS
    assert names(environment) == ["tomli"]


def test_a_create_that_fails_names_the_package_and_leaves_nothing(
    by: Actor, operator: OperationWorker
) -> None:
    operation = ended(operator, verbs.create("data", packages=["six", "missing"], by=by))
    assert operation.state == State.FAILED
    assert operation.failed_packages == ["missing"]
    assert operation.error_details == ["There is no package named missing."]
    assert "No candidates were found for missing" in operation.error
    assert not Environment.objects.exists()
    assert left_on_disk() == []


def test_an_install_that_fails_leaves_the_environment_as_it_was(
    made: Made, by: Actor, operator: OperationWorker
) -> None:
    environment = made("data", "six")
    operation = ended(operator, verbs.install(environment, ["missing"], by=by))
    environment.refresh_from_db()
    assert (operation.state, operation.failed_packages, environment.state) == (
        State.FAILED,
        ["missing"],
        "ready",
    )
    assert names(environment) == ["six"]


def test_an_install_that_breaks_the_environment_is_undone(
    made: Made, by: Actor, operator: OperationWorker
) -> None:
    environment = made("data", "six")
    ended(operator, verbs.install(environment, ["half"], by=by))
    environment.refresh_from_db()
    assert (environment.state, names(environment)) == ("ready", ["six"])
    # Where that does not help, the next operation that succeeds does.
    Environment.objects.update(state="broken", error="half of it is there")
    ended(operator, verbs.install(environment, ["six"], by=by))
    environment.refresh_from_db()
    assert (environment.state, environment.error) == ("ready", "")


def test_a_child_that_ends_without_a_word_is_quoted(by: Actor, operator: OperationWorker) -> None:
    operation = ended(operator, verbs.create("data", packages=["mute"], by=by))
    assert operation.state == State.FAILED
    assert "exit code 3" in operation.error
    assert "Traceback: mute" in operation.error
    assert left_on_disk() == []


def test_a_waiting_operation_is_cancelled_at_once(by: Actor, operator: OperationWorker) -> None:
    operation = verbs.create("data", packages=["six"], by=by)
    assert verbs.cancel(operation, by=by)
    operation.refresh_from_db()
    assert operation.state == State.CANCELLED
    assert not Environment.objects.exists()
    assert operator.look() == 0
    assert not verbs.cancel(operation, by=by)


@pytest.mark.parametrize("package", ["slow", "deaf"])
def test_a_create_that_is_cancelled_leaves_nothing_not_even_a_process(
    package: str, by: Actor, operator: OperationWorker
) -> None:
    operation = verbs.create("data", packages=[package], by=by)
    home = Environment.objects.get().home
    operator.look()
    until(lambda: "working" in Operation.objects.get(pk=operation.pk).log)
    assert pids_in(home)
    assert verbs.cancel(operation, by=by)
    operation = verbs.wait(operation, 20)
    settled(operator)
    assert operation.state == State.CANCELLED
    assert not Environment.objects.exists()
    assert left_on_disk() == []
    assert pids_in(home) == []


@pytest.mark.parametrize(
    ("package", "state"), [("slow", "ready"), ("touched", "ready"), ("hopeless", "broken")]
)
def test_an_install_that_is_cancelled_is_undone_or_told_of(
    package: str, state: str, made: Made, by: Actor, operator: OperationWorker
) -> None:
    environment = made("data", "six")
    operation = verbs.install(environment, [package], by=by)
    operator.look()
    until(lambda: "working" in Operation.objects.get(pk=operation.pk).log)
    verbs.cancel(operation, by=by)
    assert verbs.wait(operation, 20).state == State.CANCELLED
    environment.refresh_from_db()
    assert environment.state == state
    assert ("no Python starts" in environment.error) == (state == "broken")
    assert names(environment) == (["six"] if state == "ready" else ["hopeless"])


def test_an_operation_that_takes_too_long_is_ended(
    made: Made, by: Actor, operator: OperationWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT_OPERATION_SECONDS", 1)
    operation = ended(operator, verbs.create("data", packages=["slow"], by=by))
    assert (operation.state, operation.error) == (State.FAILED, carry_out.TOO_LONG)
    assert left_on_disk() == []


def test_what_runs_in_the_environment_is_not_disturbed(
    made: Made, by: Actor, operator: OperationWorker
) -> None:
    environment = made("data", "six")
    script = home_directory.lock(environment.home, shared=True)
    assert script is not None
    with script:
        operation = ended(operator, verbs.install(environment, ["tomli"], by=by))
    assert (operation.state, operation.error) == (State.FAILED, carry_out.LOCKED)
    assert names(environment) == ["six"]


def test_a_deleted_environment_leaves_neither_row_nor_directory_and_follows_no_link(
    made: Made, by: Actor, operator: OperationWorker, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("precious")
    environment = made("data", "six")
    (environment.prefix / "link").symlink_to(kept)
    locked = environment.prefix / "locked"
    locked.mkdir()
    (locked / "file").write_text("x")
    locked.chmod(0o500)
    operation = ended(operator, verbs.delete(environment, by=by))
    assert operation.state == State.SUCCESS
    assert (kept / "file").read_text() == "precious"
    assert not Environment.objects.exists()
    assert left_on_disk() == []
    assert Operation.objects.get(pk=operation.pk).environment is None


def test_a_child_that_is_killed_leaves_nothing_half_made(by: Actor, operator: OperationWorker) -> None:
    operation = verbs.create("data", packages=["slow"], by=by)
    home = Environment.objects.get().home
    operator.look()
    until(lambda: "working" in Operation.objects.get(pk=operation.pk).log)
    for pid in pids_in(home):
        os.kill(pid, signal.SIGKILL)
    operation = verbs.wait(operation, 20)
    settled(operator)
    assert operation.state == State.FAILED
    assert "SIGKILL" in operation.error
    assert left_on_disk() == []
    assert ended(operator, verbs.create("data", packages=["six"], by=by)).state == State.SUCCESS


def test_a_worker_that_is_shut_down_ends_what_it_has_in_hand(by: Actor, operator: OperationWorker) -> None:
    operation = verbs.create("data", packages=["slow"], by=by)
    operator.look()
    until(lambda: "working" in Operation.objects.get(pk=operation.pk).log)
    operator.shut_down(0.1)
    operation.refresh_from_db()
    assert (operation.state, operation.error) == (State.FAILED, carry_out.SHUTDOWN)
    assert left_on_disk() == []


def test_no_more_are_begun_at_once_than_the_settings_say(
    by: Actor, operator: OperationWorker, settings: object
) -> None:
    operations = [verbs.create(f"data-{number}", packages=["slow"], by=by) for number in range(3)]
    assert operator.look() == 2
    assert operator.look() == 0
    verbs.cancel(operations[0], by=by)
    # The place that came free is used without anybody's asking.
    until(lambda: Operation.objects.get(pk=operations[2].pk).state == State.RUNNING)


def test_a_long_progress_keeps_its_end() -> None:
    log = "\n".join(f"line {number}" for number in range(20_000))
    kept = transitions.cut(log)
    assert len(kept) <= transitions.LONGEST_LOG
    assert kept.startswith("line ")
    assert kept.endswith("line 19999")
