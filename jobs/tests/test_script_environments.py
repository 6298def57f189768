"""A script needs its environment whole, and has it undisturbed as long as anything of it lives."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from environments import home_directory

from .processes import Stopwatch, eventually, marked, marker
from .scripts import Events, Home, make_home, run_script


@pytest.fixture
def own(home: Home, tmp_path: Path, settings: object) -> Home:
    """An environment that a test may change."""
    settings.ENVIRONMENTS_DIR = tmp_path / "own"  # type: ignore[attr-defined]
    return make_home(tmp_path / "own")


def taken(home: Home) -> IO[bytes] | None:
    """The lock for a change, as soon as the run before has let go of it: its supervisor ends a moment later than it."""
    found: list[IO[bytes]] = []

    def take() -> bool:
        if (lock := home_directory.lock(home.path, shared=False)) is not None:
            found.append(lock)
        return bool(found)

    return found[0] if eventually(take) else None


def test_an_environment_that_is_not_there_is_named_with_what_to_do(home: Home) -> None:
    absent = uuid.uuid4().hex
    outcome, _log = run_script(absent, "print(1)")
    assert (outcome.state, outcome.retryable) == ("error", False)
    assert absent in outcome.message
    assert "Create it" in outcome.message
    assert "ENVIRONMENTS_DIR" in outcome.message
    assert not (home.root / absent).exists()


def test_a_job_without_an_environment_says_so(home: Home) -> None:
    outcome, _log = run_script("", "print(1)")
    assert (outcome.state, outcome.message) == ("error", "The job names no environment: choose one.")


def test_half_an_environment_is_none(own: Home) -> None:
    (own.path / "description.json").write_text("{")
    outcome, _log = run_script(own, "print(1)")
    assert outcome.state == "error"
    assert "does not exist" in outcome.message


def test_an_environment_without_its_interpreter_is_named(own: Home) -> None:
    (own.path / "prefix/bin/python").unlink()
    outcome, _log = run_script(own, "print(1)")
    assert outcome.state == "error"
    assert str(own.path / "prefix/bin/python") in outcome.message


def test_a_script_waits_while_its_environment_is_changed_and_then_starts(home: Home) -> None:
    operation = taken(home)
    assert operation is not None
    log = Stopwatch("Waiting", operation.close)
    outcome, text = run_script(home, "print('ran')", log=log)
    assert outcome.state == "success"
    assert text == "[Belfry] Waiting: the environment is being changed.\nran\n"


def test_waiting_counts_toward_the_time_limit(home: Home) -> None:
    operation = taken(home)
    assert operation is not None
    with operation:
        outcome, _log = run_script(home, "print('ran')", timeout=0.6)
    assert outcome.state == "timeout"
    assert "0.6 s" in outcome.message
    assert "being changed" in outcome.message


def test_a_run_that_waits_can_be_stopped(home: Home) -> None:
    operation, events = taken(home), Events()
    assert operation is not None
    with operation:
        log = Stopwatch("Waiting", events.cancelled.set)
        outcome, text = run_script(home, "print('ran')", log=log, events=events)
    assert outcome.state == "stopped"
    assert "ran" not in text


def test_a_run_that_waits_can_be_suspended(home: Home) -> None:
    operation, events = taken(home), Events()
    assert operation is not None
    events.suspended.set()

    def later() -> None:
        operation.close()
        threading.Timer(3.5, events.suspended.clear).start()

    outcome, _log = run_script(home, "print(1)", log=Stopwatch("Waiting", later), events=events, timeout=3)
    assert outcome.state == "success"


def test_nobody_changes_an_environment_while_a_script_runs(home: Home) -> None:
    seen: list[object] = []

    def try_it() -> None:
        seen.append(home_directory.lock(home.path, shared=False))
        other = home_directory.lock(home.path, shared=True)
        assert other is not None
        other.close()

    run_script(home, "print('up')", log=Stopwatch("up", try_it))
    assert seen == [None]
    free = taken(home)
    assert free is not None
    free.close()


def test_the_lock_stays_until_the_last_descendant_is_gone(home: Home) -> None:
    """Not only until the run's thread has let go: a worker that dies takes a moment to take its runs along."""
    mark, events = marker(), Events()
    stubborn = f"trap '' TERM; echo up; sleep 60; : {mark}"
    script = f"import subprocess; subprocess.run(['sh', '-c', {stubborn!r}], start_new_session=True)"

    class Fails(Exception):
        pass

    def fail() -> None:
        raise Fails

    def changeable() -> bool:
        lock = home_directory.lock(home.path, shared=False)
        if lock:
            lock.close()
        return lock is not None

    with pytest.raises(Fails):  # the log is lost, and with it the thread that watched
        run_script(home, script, log=Stopwatch("up", fail), events=events, stop_grace=1.0)
    assert marked(mark)
    assert not changeable()
    assert eventually(lambda: not marked(mark))
    assert eventually(changeable)


def test_what_the_environment_sets_can_be_set_otherwise_by_the_job(home: Home) -> None:
    show = "import os; print(os.environ['ACTIVATED'])"
    assert run_script(home, show, options={"variables": {"ACTIVATED": "no"}})[1] == "no\n"


def test_a_secret_that_cannot_be_a_variable_is_named_before_anything_runs(home: Home) -> None:
    outcome, log = run_script(home, "print(1)", secrets={"LD_PRELOAD": "/x.so", "a b": "1", "FINE": "1"})
    assert (outcome.state, outcome.retryable, log) == ("error", False, "")
    assert outcome.message.endswith("LD_PRELOAD, a b")


def test_requirements_that_are_met_do_not_stand_in_the_way(own: Home) -> None:
    own.install("Big.Package", "2.3.1")
    options = {"requirements": "big-package>=2,<3  # the new one\n\n# nothing\nBIG_package\n"}
    assert run_script(own, "print(1)", options=options)[0].state == "success"


def test_requirements_that_are_not_met_are_named_and_nothing_runs(own: Home) -> None:
    own.install("old", "1.0")
    outcome, log = run_script(own, "print(1)", options={"requirements": "old>=2\nabsent==1.2\n"})
    assert (outcome.state, outcome.retryable, log) == ("error", False, "")
    assert "old>=2 (1.0 is installed), absent==1.2 (not installed)" in outcome.message


def test_what_is_installed_meanwhile_counts(own: Home) -> None:
    options = {"requirements": "late"}
    assert run_script(own, "print(1)", options=options)[0].state == "error"
    own.install("late", "1")
    assert run_script(own, "print(1)", options=options)[0].state == "success"


def test_packages_that_only_conda_knows_count_too(own: Home) -> None:
    records = own.path / "prefix/conda-meta"
    records.mkdir()
    (records / "libc-tools-2.38-h1234_0.json").write_text("{}")
    assert run_script(own, "print(1)", options={"requirements": "libc-tools>=2"})[0].state == "success"


def test_an_environment_may_lie_elsewhere(own: Home, tmp_path: Path) -> None:
    description = home_directory.read(own.path)
    assert description is not None
    registered = Home(own.root, uuid.uuid4().hex)
    home_directory.write(registered.path, replace(description, backend="external"))
    outcome, log = run_script(registered, "import sys; print(sys.prefix)")
    assert (outcome.state, log) == ("success", f"{description.prefix}\n")
