"""JOB_USER: code runs as another account, which reaches nothing of Belfry's, and is ended and cleaned up after as before."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from environments import os_account
from environments.config import AccountUnusable, job_account
from environments.os_account import Account, files_of
from jobs.children.client import run
from jobs.children.values import Exec, Finished
from jobs.runners.base import File, Spec
from jobs.runners.script import artifacts

from .processes import Stopwatch, eventually, marked, marker
from .running import RUN_ID, run_class

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may change the account"
)
OTHER = os_account.resolve("nobody") if sys.platform == "linux" else Account(0, 0, "", "")
SPEC = Spec(
    run_id=RUN_ID,
    attempt=1,
    job_id="7",
    job_name="nightly",
    kind="script",
    options={},
    timeout=20,
    stop_grace=1,
)


@pytest.fixture(autouse=True)
def other(settings: Settings) -> None:
    settings.JOB_USER = "nobody"


def run_shell(
    text: str, *, log: Stopwatch | None = None, cancelled: threading.Event | None = None
) -> Finished:
    log = log or Stopwatch()
    return run(
        Exec(["/bin/sh", "-c", text]),
        timeout=20,
        stop_grace=0.5,
        cancelled=cancelled or threading.Event(),
        log=log,
        account=job_account(),
    )


def said(text: str) -> str:
    log = Stopwatch()
    run_shell(text, log=log)
    return log.text


def test_code_runs_as_that_account_without_groups_or_capabilities_or_a_way_to_get_any() -> None:
    assert said("id -u; id -g; id -G").split() == [str(OTHER.uid), str(OTHER.gid), str(OTHER.gid)]
    status = dict(line.split(":\t", 1) for line in said("cat /proc/self/status").splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert said("echo $USER $HOME").split() == ["nobody", OTHER.home]


def test_it_reads_neither_the_database_nor_the_key_nor_memory_and_environment_of_belfry(
    tmp_path: Path,
) -> None:
    with contextlib.ExitStack() as opened:
        data = opened.enter_context(_data_folder())
        (data / "belfry.sqlite3").write_text("rows")
        broker = opened.enter_context(socket.socket(socket.AF_UNIX))
        broker.bind(str(data / "redis.sock"))
        ours = f"/proc/{os.getpid()}"
        text = (
            f"cat {data}/belfry.sqlite3; ls {data}; cat {ours}/environ; cat /proc/$PPID/environ; ls {ours}/fd"
        )
        answer = said(f"{text}; test -w {data}/redis.sock || echo closed")
    assert answer.count("ermission denied") == 5
    assert answer.splitlines()[-1] == "closed"
    assert "rows" not in answer


@contextlib.contextmanager
def _data_folder() -> Iterator[Path]:
    """As `manage.py up` makes it: where everybody could get to, and closed to everybody."""
    with tempfile.TemporaryDirectory(prefix="bounds") as folder:
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
        yield Path(folder)


def test_its_own_folder_is_its_own_and_goes_with_it() -> None:
    owner, path = said('touch new; stat -c "%u %a" .; pwd').splitlines()
    assert owner == f"{OTHER.uid} 700"
    assert path.startswith("/")
    assert not Path(path).exists()


def test_a_stop_ends_everything_that_it_has_started() -> None:
    cancelled, mark = threading.Event(), marker()
    log = Stopwatch("ready", cancelled.set)
    text = f"trap '' TERM; setsid sh -c \"trap '' TERM; sleep 60 # {mark}\" & echo ready; sleep 60; sleep 60 # {mark}"
    finished = run_shell(text, log=log, cancelled=cancelled)
    assert finished.ending == "stopped"
    assert eventually(lambda: not marked(mark), 5)


def test_files_that_it_leaves_are_kept_as_belfrys_own(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "kept"
    notes: list[str] = []
    place = artifacts.place_of(SPEC)
    artifacts.prepare(place)
    (tmp_path / "secret").write_text("canary")
    said(
        f"cd {place.left} && mkdir -p a && echo result > a/report.txt && ln -s {tmp_path}/secret b && chmod 0 a/report.txt"
    )
    kept = artifacts.collect(place, notes.append)
    assert [(file.name, file.size) for file in kept] == [("a/report.txt", 7)]
    assert notes == ["Artifact not kept: b: a symbolic link"]
    found = place.kept / "a" / "report.txt"
    assert found.read_text() == "result\n"
    assert found.stat().st_uid == os.geteuid()
    assert not place.left.exists()


def test_what_another_run_puts_in_the_place_of_a_file_is_not_read(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "kept"
    notes: list[str] = []
    place = artifacts.place_of(SPEC)
    artifacts.prepare(place)
    (tmp_path / "secret").write_text("canary")
    tmp_path.chmod(0o700)
    said(f"ln -s {tmp_path} {place.left}/folder")
    file = File("folder/secret", 6)
    assert artifacts._taken_over(file, place, notes.append) is None
    assert "canary" not in "".join(
        path.read_text() for path in place.kept.parent.rglob("*") if path.is_file()
    )
    artifacts.collect(place, notes.append)


def test_files_are_reached_with_the_rights_of_the_account_by_one_thread_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("ours")
    path.chmod(0o600)
    begin, read = threading.Event(), list[str]()
    thread = threading.Thread(target=lambda: read.append(path.read_text()) if begin.wait(5) else None)
    thread.start()
    with files_of(OTHER):
        with pytest.raises(PermissionError):
            path.read_text()
        begin.set()
        thread.join()
    assert read == ["ours"]
    assert path.read_text() == "ours"


def test_without_the_right_nothing_runs_as_belfry_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_account, "missing_rights", lambda: ["CAP_SETUID"])
    outcome, _log = run_class("jobs.classes.shell.ShellJob", "id")
    assert outcome.state == "error"
    assert outcome.message == "This process may not run code as nobody: it lacks CAP_SETUID."


@pytest.mark.parametrize("name", ["root", "0", "nobody-of-this-name"])
def test_root_and_unknown_accounts_are_refused(settings: Settings, name: str) -> None:
    settings.JOB_USER = name
    with pytest.raises(AccountUnusable, match=name):
        job_account()
