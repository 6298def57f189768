"""The supervisor keeps programs running, and leaves no process behind however it ends."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings

from scheduler_site.running import supervisor
from scheduler_site.tests import toy_supervisor
from scheduler_site.tests.processes import end_all, eventually, marked, none_left

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor of the toys with these names, and waits until those that can have started."""

    def _start(*names: str, hangup: signal.Handlers = signal.SIG_DFL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", toy_supervisor.__name__, str(tmp_path), *names],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            text=True,
            # Inherited: these tests may themselves have been started by nohup(1).
            preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),
        )
        for name in names:
            assert name in ("broken", "drained") or eventually(partial(notes, tmp_path, f"{name} started"))
        return process

    yield _start
    end_all(str(tmp_path))


def notes(directory: Path, beginning: str = "") -> list[str]:
    path = directory / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.startswith(beginning)]


def pid_of(note: str) -> int:
    return int(note.split()[-1])


def test_a_program_that_dies_is_started_again(start: Start, tmp_path: Path) -> None:
    process = start("polite")
    os.kill(pid_of(notes(tmp_path, "polite started")[0]), signal.SIGKILL)
    assert eventually(lambda: len(notes(tmp_path, "polite started")) == 2)
    process.terminate()
    said = process.communicate()[0]
    assert "polite was killed by SIGKILL; it is started again in 0.5 s" in said
    assert process.returncode == 0


def test_a_program_whose_leash_is_killed_ends_and_is_started_again(start: Start, tmp_path: Path) -> None:
    start("polite")
    first = pid_of(notes(tmp_path, "polite started")[0])
    os.kill(parent_of(first), signal.SIGKILL)
    assert eventually(lambda: len(notes(tmp_path, "polite started")) == 2)
    assert eventually(lambda: first not in marked(str(tmp_path)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_every_program(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start("polite", "broker")
    process.send_signal(number)
    assert process.wait(60) == 0
    assert none_left(str(tmp_path), 0) == {}


def test_started_by_nohup_it_goes_on_when_the_terminal_is_closed(start: Start, tmp_path: Path) -> None:
    process = start("polite", hangup=signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    # A program that is started again shows that the supervisor is still at work.
    os.kill(pid_of(notes(tmp_path, "polite started")[0]), signal.SIGKILL)
    assert eventually(lambda: len(notes(tmp_path, "polite started")) == 2)
    assert process.poll() is None


def test_programs_that_others_need_are_stopped_last(start: Start, tmp_path: Path) -> None:
    process = start("broker", "slow", "polite")
    process.terminate()
    process.wait(60)
    assert [line.split()[0] for line in notes(tmp_path) if " ended " in line] == ["polite", "slow", "broker"]


def test_what_does_not_listen_is_killed_grandchildren_in_their_own_session_too(
    start: Start, tmp_path: Path
) -> None:
    process = start("deaf", "parent")
    assert eventually(lambda: notes(tmp_path, "grandchild started"))
    process.terminate()
    assert process.wait(60) == 0
    assert none_left(str(tmp_path), 0) == {}


def test_a_killed_supervisor_leaves_no_process(start: Start, tmp_path: Path) -> None:
    process = start("broker", "slow", "deaf", "parent")
    assert eventually(lambda: notes(tmp_path, "grandchild started"))
    process.kill()
    process.wait()
    assert none_left(str(tmp_path)) == {}
    ended = [line.split()[0] for line in notes(tmp_path) if " ended " in line]
    assert ended[-1] == "broker"
    assert set(ended) == {"slow", "parent", "broker"}


def test_a_program_that_cannot_start_ends_the_attempt(start: Start, tmp_path: Path) -> None:
    process = start("polite", "broken")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "broken     | the settings are wrong" in said
    assert "broken ended with status 1 3 times: it cannot be started. Giving up." in said
    assert none_left(str(tmp_path), 0) == {}


def test_a_closed_terminal_stops_nothing(start: Start, tmp_path: Path) -> None:
    process = start("polite")
    assert process.stdout
    process.stdout.close()
    os.kill(pid_of(notes(tmp_path, "polite started")[0]), signal.SIGKILL)
    assert eventually(lambda: len(notes(tmp_path, "polite started")) == 2)
    assert process.poll() is None


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (100_000, 30)])
def test_each_failure_doubles_the_pause_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert supervisor.pause_before_try(failures) == seconds


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (1, "ended with status 1"),
        (137, "was killed by SIGKILL"),
        (-9, "was killed by SIGKILL"),
        (255, "ended with status 255"),
    ],
)
def test_the_end_of_a_program_is_described_in_words(status: int, words: str) -> None:
    assert supervisor.describe(status) == words


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def free(path: Path) -> bool:
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_a_program_with_work_outlives_a_supervisor_that_hands_over(start: Start, tmp_path: Path) -> None:
    process = start("long", "quick", "polite", "broker")
    assert not free(tmp_path / "lock")
    process.terminate()
    said = process.communicate(timeout=60)[0]
    assert "long ends by itself when its runs have ended" in said
    assert [bool(notes(tmp_path, f"{name} ended")) for name in ("quick", "polite", "broker", "long")] == [
        *(True, True, True),
        False,
    ]
    # Another supervisor may start while it ends; it is not killed, and leaves nobody behind.
    assert free(tmp_path / "lock")
    assert eventually(lambda: bool(notes(tmp_path, "long ended")))
    assert none_left(str(tmp_path), 10) == {}


def test_asked_twice_a_supervisor_hands_nothing_over(start: Start, tmp_path: Path) -> None:
    process = start("long")
    process.terminate()
    time.sleep(1.2)
    process.terminate()
    process.wait(60)
    assert none_left(str(tmp_path), 1) == {}


def test_a_program_that_was_drained_is_not_started_again(start: Start, tmp_path: Path) -> None:
    process = start("polite", "drained")
    time.sleep(1.5)
    process.terminate()
    said = process.communicate(timeout=60)[0]
    assert said.count("drained was drained") == 1
    assert "is started again in" not in said
