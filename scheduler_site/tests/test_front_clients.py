"""Clients that send nothing, or slowly, or do not read what they asked for, hold up nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from scheduler_site.front import limits
from scheduler_site.tests.fronts import Site, read_to_end, running, timed
from scheduler_site.tests.processes import eventually

MANY = 100
PIECES = 400


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    """`/long` streams PIECES pieces and counts them; whatever else is there answers its method and body."""
    if environ["PATH_INFO"] == "/long":
        start("200 OK", [("Content-Type", "text/plain")])
        return Long()
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body) + 2))])
    return [b"ok" + body]


class Long:
    """As Django's streaming answers are."""

    streaming = True
    made = closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(PIECES):
            Long.made += 1
            yield b"x" * limits.PIECE

    def close(self) -> None:
        Long.closed += 1


@pytest.fixture
def site() -> Iterator[Site]:
    with running(application, threads=4) as site:
        yield site


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("HEADER_SECONDS", "BODY_PAUSE_SECONDS", "WRITE_SECONDS", "LINGER_SECONDS"),
        *("IDLE_SECONDS",),
    ):
        monkeypatch.setattr(limits, name, 0.4)


HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
KINDS = {
    "silent": b"",
    "part of a request line": b"GE",
    "part of the headers": HEAD + b"X-A: ",
    "part of a body": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nabc",
    "readers who do not read": b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.mark.parametrize("sent", KINDS.values(), ids=KINDS.keys())
def test_many_that_do_nothing_more_delay_nobody(site: Site, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(site.connect()).sendall(sent)
        assert eventually(lambda: site.connections >= MANY, 10)
        for _ in range(5):
            answer, seconds = timed(lambda: site.get("/"))
            assert answer == (200, b"ok")
            assert seconds < 1


def test_a_reader_who_does_not_read_is_not_written_for(site: Site) -> None:
    Long.made = 0
    with site.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(KINDS["readers who do not read"])
        time.sleep(0.5)
        made = Long.made
        time.sleep(0.3)
        assert made == Long.made < PIECES


def test_a_reader_who_reads_gets_all_of_it(site: Site) -> None:
    status, body = site.get("/long")
    assert (status, len(body)) == (200, PIECES * limits.PIECE)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GE", b"HTTP/1.1 408"),
        (HEAD + b"X-A: ", b"HTTP/1.1 408"),
        (KINDS["part of a body"], b"HTTP/1.1 408"),
    ],
)
def test_who_takes_too_long_is_told_so_and_let_go(site: Site, sent: bytes, answer: bytes) -> None:
    with site.connect() as connection:
        connection.sendall(sent)
        found = read_to_end(connection)
    assert found[:12] == answer
    assert eventually(lambda: site.connections == 0, 5)


@pytest.mark.usefixtures("impatient")
def test_headers_that_trickle_in_have_one_deadline_for_all_of_them(site: Site) -> None:
    """A byte now and then does not begin it anew."""
    with site.connect() as connection:
        connection.sendall(HEAD)
        began = time.monotonic()
        for _ in range(40):
            try:
                connection.sendall(b"X")
            except OSError:
                break
            time.sleep(0.05)
        assert time.monotonic() - began < 1.5


@pytest.mark.usefixtures("impatient")
def test_who_never_reads_is_let_go_and_the_answer_closed(site: Site) -> None:
    Long.closed = 0
    with site.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(KINDS["readers who do not read"])
        assert eventually(lambda: site.connections == 0 and Long.closed, 10)


@pytest.mark.usefixtures("impatient")
def test_a_connection_without_another_request_is_closed(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(HEAD + b"\r\n")
        assert b"ok" in read_to_end(connection)


def test_a_connection_is_used_for_several_requests(site: Site) -> None:
    with site.connect() as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n")
            found = b""
            while not found.endswith(b"ok"):
                found += connection.recv(4096)
        assert site.connections == 1


def test_requests_that_are_sent_ahead_are_answered_in_order(site: Site) -> None:
    def request(body: bytes) -> bytes:
        return b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n" + body

    with site.connect() as connection:
        connection.sendall(request(b"1") + request(b"2") + request(b"3"))
        found = b""
        while found.count(b"ok") < 3:
            found += connection.recv(4096)
    assert [found.index(b"ok" + one) for one in (b"1", b"2", b"3")] == sorted(
        found.index(b"ok" + one) for one in (b"1", b"2", b"3")
    )


def test_where_there_is_no_room_the_longest_idle_goes(site: Site) -> None:
    site.front._most = 10
    with ExitStack() as stack:
        silent = [stack.enter_context(site.connect()) for _ in range(10)]
        assert eventually(lambda: site.connections == 10, 5)
        assert site.get("/") == (200, b"ok")
        silent[0].settimeout(5)
        assert read_to_end(silent[0]) == b""


def test_many_requests_of_one_client_do_not_stand_before_one_of_another(site: Site) -> None:
    """By addresses of this machine: 127.0.0.2 is another client than 127.0.0.1."""
    slow = threading.Event()

    def waiting(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] == "/slow":
            slow.wait(20)
        return application(environ, start)

    with running(waiting, threads=4) as other, ExitStack() as stack:
        for _ in range(50):
            one = stack.enter_context(other.connect())
            one.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(0.3)
        second = socket.create_connection(("127.0.0.1", other.port), 5, source_address=("127.0.0.2", 0))
        stack.enter_context(second).sendall(HEAD + b"\r\n")
        assert b"200 OK" in second.recv(4096)
        slow.set()
