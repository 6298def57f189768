"""Two web processes share the connections evenly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from scheduler_site.tests.processes import eventually

WHO = """
import os
def application(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Two processes under gunicorn that say who they are."""
    (tmp_path / "who.py").write_text(WHO)
    listener = socket.create_server(("127.0.0.1", 0))
    number: int = listener.getsockname()[1]
    argv = (sys.executable, "-m", "gunicorn", "who:application", "--bind", f"fd://{listener.fileno()}")
    front = ("--worker-class", "scheduler_site.front.worker.FrontWorker", "--preload", "--workers", "2")
    quiet = ("--threads", "2", "--log-level", "warning", "--no-control-socket")
    # Settings are read when the worker's module is: before the application.
    process = subprocess.Popen(
        (*argv, *front, *quiet, "--pythonpath", str(tmp_path)),
        pass_fds=(listener.fileno(),),
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "scheduler_site.settings"},
    )
    try:
        assert eventually(lambda: len(share(number, 8)) == 2, 60)
        yield number
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        listener.close()


def share(port: int, connections: int) -> Counter[bytes]:
    """By process, how many of these connections it has; all are open at the same time."""
    found: Counter[bytes] = Counter()
    with ExitStack() as stack:
        made = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), 10)))
            for _ in range(connections)
        ]
        for one in made:
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for one in made:
            text = b""
            while not text.endswith(b"0\r\n\r\n"):
                text += one.recv(4096)
            found[text.split(b"\r\n")[-4]] += 1
    return found


def test_neither_of_two_processes_has_more_than_three_fifths_of_sixteen_connections(port: int) -> None:
    for _ in range(6):
        found = share(port, 16)
        assert max(found.values()) <= 0.6 * 16, found
        time.sleep(0.05)
