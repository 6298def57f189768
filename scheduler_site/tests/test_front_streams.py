"""An answer that is made while it is written: its end is always seen, by the client and by what makes it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from scheduler_site.front import limits
from scheduler_site.tests.fronts import Site, read_to_end, running
from scheduler_site.tests.processes import eventually

PIECES = 5


class Stream:
    """As Django's streaming answers are; after some pieces it may fail."""

    streaming = True
    closed = 0

    def __init__(self, pieces: int, *, fails: bool) -> None:
        self._pieces, self._fails = pieces, fails

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._pieces):
            yield b"x" * limits.PIECE
        if self._fails:
            raise RuntimeError("the database is away")

    def close(self) -> None:
        Stream.closed += 1


asked, go_on = threading.Event(), threading.Event()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    path = environ["PATH_INFO"]
    asked.set()
    if path == "/slow":
        go_on.wait(10)
    headers = [("Content-Type", "text/plain")]
    if path == "/short":
        headers.append(("Content-Length", str(limits.PIECE)))
        start("200 OK", headers)
        return [b"x" * limits.PIECE]
    start("200 OK", headers)
    return Stream(1 if path == "/fails/soon" else PIECES, fails=path.startswith("/fails"))


@pytest.fixture
def site() -> Iterator[Site]:
    Stream.closed = 0
    asked.clear()
    with running(application) as site:
        yield site


def read(site: Site, path: str, **headers: str) -> bytes:
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().read()


def test_an_error_in_the_middle_is_seen_by_the_client(site: Site) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        read(site, "/fails")
    assert eventually(lambda: Stream.closed == 1, 5)
    assert eventually(lambda: site.connections == 0, 5)


def test_a_client_without_chunks_gets_the_length_or_an_error(site: Site) -> None:
    """HTTP/1.0: the end of the connection would be the only end of an answer without a length."""

    def ask(path: bytes) -> tuple[bytes, bytes]:
        with site.connect() as connection:
            connection.sendall(b"GET %b HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" % path)
            head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
        return head.lower(), body

    head, body = ask(b"/long")
    assert body == b"x" * limits.PIECE * PIECES
    assert b"\r\ncontent-length: %d" % len(body) in head
    assert ask(b"/fails")[0].startswith(b"http/1.1 500")


def test_a_request_whose_body_is_not_read_gets_all_of_a_long_answer(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(
            b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        found = read_to_end(connection)
    assert found.endswith(b"0\r\n\r\n")
    assert found.count(b"x" * limits.PIECE) == PIECES
    assert eventually(lambda: Stream.closed == 1, 5)


def test_an_answer_whose_client_has_left_before_its_beginning_is_closed(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert asked.wait(5)
    assert eventually(lambda: site.connections == 0, 5)
    go_on.set()
    assert eventually(lambda: Stream.closed == 1, 5)


@pytest.mark.parametrize("path", [b"/short", b"/fails/soon"])
def test_a_client_that_does_not_read_the_end_is_let_go(monkeypatch: pytest.MonkeyPatch, path: bytes) -> None:
    """Also when so little is left that the writing is not paused."""
    asked.clear()
    monkeypatch.setattr(limits, "WRITE_SECONDS", 0.4)
    with running(application) as site, socket.socket() as connection:
        site._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", site.port))
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % path)
        assert asked.wait(5)
        assert eventually(lambda: site.connections == 0, 5)
