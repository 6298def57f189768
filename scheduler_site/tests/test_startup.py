"""What must be in order before the first program starts, and when the system counts as ready."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from scheduler_site.running import readiness, startup
from scheduler_site.running.console import Console


@pytest.fixture
def data(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_a_private_directory_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir(mode=0o777)
    path.chmod(0o777)
    startup.make_private(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_private_directory_is_no_link_that_somebody_laid(tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(tmp_path)
    with pytest.raises(startup.CannotStart, match="belongs to somebody else"):
        startup.make_private(tmp_path / "run")


def test_a_private_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(startup.CannotStart, match="belongs to somebody else"):
        startup.make_private(tmp_path)


def test_the_lock_is_taken_once(data: Path) -> None:
    lock = startup.take_lock()
    with pytest.raises(startup.CannotStart, match=f"already running on {data} .process {os.getpid()}."):
        startup.take_lock()
    os.close(lock)
    os.close(startup.take_lock())


def test_the_lock_of_a_dead_supervisor_is_waited_for_and_then_refused(data: Path) -> None:
    lock = startup.take_lock()
    nobody = 2**22 + 1  # Above the highest process id (proc(5), pid_max).
    (data / "up.lock").write_text(str(nobody))
    with pytest.raises(startup.CannotStart):
        startup.take_lock(seconds=0.3)
    os.close(lock)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_is_named_with_another_one(settings: Settings, taken: int) -> None:
    settings.HOST, settings.PORT = "127.0.0.1", taken
    with pytest.raises(startup.CannotStart, match=f"Port {taken} on 127.0.0.1 is taken.*PORT="):
        startup.bind_port()


def test_an_address_of_another_machine_is_named(settings: Settings) -> None:
    settings.HOST, settings.PORT = "192.0.2.1", 8000
    with pytest.raises(startup.CannotStart, match=r"Cannot listen on 192\.0\.2\.1:8000"):
        startup.bind_port()


def test_nobody_is_served_before_the_web_server_listens(settings: Settings) -> None:
    settings.HOST, settings.PORT = "127.0.0.1", 0
    with startup.bind_port() as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), timeout=5)


def test_static_files_are_collected_again_only_after_a_change(
    settings: Settings, data: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.css").write_text("body {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = data / "static"
    assert startup.collect_static() is True
    assert startup.collect_static() is False
    (source / "page.css").write_text("body { margin: 0 }")
    assert startup.collect_static() is True
    assert (data / "static" / "page.css").read_text() == "body { margin: 0 }"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"status": "healthy"}, (True, "healthy")),
        (200, {"status": "degraded"}, (False, "degraded")),
        (503, {"status": "degraded", "checks": [{"name": "beat", "ok": False}]}, (False, "degraded (beat)")),
        (503, {"status": "degraded", "checks": {"broker": {"ok": False}}}, (False, "degraded (broker)")),
        (503, {"status": "healthy"}, (False, "healthy")),
        (404, {"detail": "Not Found"}, (False, "404")),
        (502, "<html>", (False, "status 502")),
    ],
)
def test_only_a_healthy_answer_means_ready(status: int, body: object, expected: tuple[bool, str]) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert readiness.judge(status, text.encode()) == expected


@pytest.mark.parametrize(
    ("hosts", "header"),
    [
        (["*"], "localhost"),
        ([".example.com"], "example.com"),
        (["a.example", "b.example"], "a.example"),
        ([], "localhost"),
    ],
)
def test_the_probe_asks_for_a_host_that_is_accepted(
    settings: Settings, hosts: list[str], header: str
) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert readiness.host_header() == header


def test_the_console_puts_the_name_before_every_line() -> None:
    stream = io.StringIO()
    console = Console(stream)
    console.say("first", "web")
    console.say("second")
    console.close()
    assert stream.getvalue() == "web        | first\nbelfry     | second\n"
