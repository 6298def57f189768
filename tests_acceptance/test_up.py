"""`manage.py up` with the real programs: it starts, heals, refuses and ends as it should.

One start serves most tests; they run in the order in which they are written.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from scheduler_site.tests.processes import end_all, eventually, marked, none_left

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]

# As the system lists them; the embedded server keeps the name of its file.
PROGRAMS = {
    "web": "web",
    "redis": "valkey-server",
    "beat": "beat",
    "worker-io": "worker-io",
    "worker-code": "worker-code",
    "worker-system": "worker-system",
}
SECRET = "canary-of-the-acceptance-tests"
FROM_OUTSIDE = ("REDIS_URL", "DATABASE_URL", "CELERY_BROKER_URL", "DEPLOYMENT", "HOST", "SCHEDULER_ENABLED")


class Belfry:
    """An installation of its own: data, port, and one running supervisor at most."""

    def __init__(self, directory: Path, **extra: str) -> None:
        self.directory = directory
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if name not in FROM_OUTSIDE}
        self.environment = inherited | {"DATA_DIR": str(directory), "PORT": str(self.port)} | extra
        self.output = directory / "output"
        self.start()

    def start(self) -> None:
        self.process = self.launch(self.output)

    def launch(self, output: Path, **extra: str) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=settings.BASE_DIR,
                env=self.environment | extra,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def answers(self) -> bool:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as response,
        ):
            return bool(response.status == 200)
        return False

    def wait_until_up(self) -> None:
        # An answer alone may come from the programs of a killed supervisor, which take a moment to end.
        assert eventually(lambda: "Belfry is ready" in self.said(), 400), self.said()
        assert eventually(self.answers, 60), self.said()
        assert eventually(lambda: all(self.pid(name) for name in PROGRAMS), 60), self.said()

    def pid(self, name: str) -> int | None:
        """The process of a program; of several, the one that started the others."""
        return min((pid for pid in self.processes() if called(pid) == PROGRAMS[name]), default=None)

    def processes(self) -> dict[int, str]:
        return marked(str(self.directory))


def called(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="belfry-up-", ignore_cleanup_errors=True) as name:
        yield Path(name)
        end_all(name)


@pytest.fixture(scope="module")
def belfry(directory: Path) -> Belfry:
    started = Belfry(directory, MAIL_PASSWORD=SECRET)
    started.wait_until_up()
    return started


def test_one_command_starts_every_program(belfry: Belfry) -> None:
    assert all(belfry.pid(name) for name in PROGRAMS)


def test_no_program_shows_the_secrets_it_was_started_with(belfry: Belfry) -> None:
    shown = {pid: Path(f"/proc/{pid}/environ").read_bytes() for pid in belfry.processes()}
    assert len(shown) > len(PROGRAMS)
    assert [called(pid) for pid, environment in shown.items() if SECRET.encode() in environment] == []


def test_what_it_writes_is_for_its_own_account_only(belfry: Belfry) -> None:
    assert belfry.directory.stat().st_mode & 0o077 == 0
    public = {belfry.directory / "static", belfry.output}
    open_to_others = [
        path
        for path in belfry.directory.rglob("*")
        if not public & {path, *path.parents} and path.lstat().st_mode & 0o077
    ]
    assert open_to_others == []


def test_it_says_once_that_it_is_ready_and_where(belfry: Belfry) -> None:
    assert eventually(lambda: "Belfry is ready" in belfry.said(), 60), belfry.said()
    assert belfry.said().count(f"Belfry is ready: http://127.0.0.1:{belfry.port}") == 1


def test_the_pages_cannot_be_reached_from_other_machines(belfry: Belfry) -> None:
    addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if " 0A " in line}
    assert f"0100007F:{belfry.port:04X}" in addresses
    assert f"00000000:{belfry.port:04X}" not in addresses


def test_a_second_one_on_the_same_data_is_refused(belfry: Belfry, tmp_path: Path) -> None:
    second = belfry.launch(tmp_path / "output", PORT=str(free_port()))
    assert second.wait(60) == 1
    assert f"Belfry is already running on {belfry.directory}" in (tmp_path / "output").read_text()
    assert belfry.answers()


def test_a_port_that_is_taken_is_named(belfry: Belfry, tmp_path: Path) -> None:
    other = belfry.launch(tmp_path / "output", DATA_DIR=str(tmp_path))
    assert other.wait(60) == 1
    assert (
        f"Port {belfry.port} on 127.0.0.1 is taken. Choose another one, for example PORT="
        in (tmp_path / "output").read_text()
    )


@pytest.mark.parametrize("name", ["worker-code", "web", "redis"])
def test_a_program_that_is_killed_comes_back(belfry: Belfry, name: str) -> None:
    killed = belfry.pid(name)
    assert killed
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: f"{name} was killed by SIGKILL; it is started again" in belfry.said())
    assert eventually(lambda: belfry.pid(name) not in {killed, None})
    assert eventually(belfry.answers)


def test_a_killed_supervisor_leaves_no_process_and_can_be_started_again_at_once(belfry: Belfry) -> None:
    old = set(belfry.processes())
    belfry.process.kill()
    belfry.process.wait()
    belfry.start()
    belfry.wait_until_up()
    assert not old & set(belfry.processes())


def test_the_end_leaves_no_process_and_keeps_the_data(belfry: Belfry) -> None:
    belfry.process.send_signal(signal.SIGTERM)
    assert belfry.process.wait(60) == 0
    assert none_left(str(belfry.directory), 0) == {}
    assert (belfry.directory / "belfry.sqlite3").stat().st_size > 0
    assert "cannot be started" not in belfry.said()


def test_settings_that_make_no_sense_end_the_start_with_a_hint(belfry: Belfry, tmp_path: Path) -> None:
    broken = belfry.launch(tmp_path / "output", SCHEDULER_TIMEZONE="Nowhere/Land")
    assert broken.wait(60) != 0
    assert "SCHEDULER_TIMEZONE=Nowhere/Land is no time zone" in (tmp_path / "output").read_text()


def test_an_unsafe_production_ends_the_start_with_a_hint(belfry: Belfry, tmp_path: Path) -> None:
    unsafe = belfry.launch(tmp_path / "output", DEPLOYMENT="production", SECRET_KEY="short")
    assert unsafe.wait(60) == 1
    assert "belfry.E002" in (tmp_path / "output").read_text()
    assert none_left(str(belfry.directory), 0) == {}


def test_without_the_scheduler_there_is_no_beat(belfry: Belfry) -> None:
    belfry.environment["SCHEDULER_ENABLED"] = "false"
    belfry.start()
    assert eventually(belfry.answers, 120), belfry.said()
    assert eventually(lambda: belfry.pid("worker-system"))
    assert belfry.pid("beat") is None, f"{belfry.processes()}\n{belfry.said()}"
    belfry.process.send_signal(signal.SIGINT)
    assert belfry.process.wait(60) == 0


def test_a_stop_during_the_start_is_heeded(belfry: Belfry) -> None:
    assert none_left(str(belfry.directory), 0) == {}
    belfry.start()
    assert eventually(lambda: belfry.pid("redis"))
    belfry.process.send_signal(signal.SIGINT)
    assert belfry.process.wait(60) == 0
    assert none_left(str(belfry.directory), 0) == {}
