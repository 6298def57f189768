"""A line that can be cut passes everything or nothing, and loses nothing while it hangs."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bench.faults.network import Line


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def line(server: socket.socket) -> Iterator[Line]:
    port = server.getsockname()[1]
    line = Line({"ONE": f"redis://127.0.0.1:{port}/0", "OTHER": f"postgres://belfry@127.0.0.1:{port}/belfry"})
    yield line
    line.close()


def connect(line: Line) -> socket.socket:
    port = int(line.addresses["ONE"].rsplit(":", 1)[1].split("/")[0])
    return socket.create_connection(("127.0.0.1", port), 5)


def test_one_relay_serves_all_addresses_of_a_server(line: Line, server: socket.socket) -> None:
    ports = {url.rsplit(":", 1)[1].split("/")[0] for url in line.addresses.values()}
    assert len(ports) == 1
    assert ports != {str(server.getsockname()[1])}


def test_bytes_pass_in_both_directions(line: Line, server: socket.socket) -> None:
    with connect(line) as near:
        far, _ = server.accept()
        with far:
            near.sendall(b"question")
            assert far.recv(100) == b"question"
            far.sendall(b"answer")
            assert near.recv(100) == b"answer"


def test_a_line_that_hangs_delivers_late(line: Line, server: socket.socket) -> None:
    with connect(line) as near:
        far, _ = server.accept()
        with far:
            line.cut("hangs")
            near.sendall(b"late")
            far.settimeout(0.1)
            with pytest.raises(TimeoutError):
                far.recv(100)
            line.mend()
            far.settimeout(5)
            assert far.recv(100) == b"late"


def test_a_line_that_breaks_closes_and_refuses_until_it_is_mended(line: Line, server: socket.socket) -> None:
    with connect(line) as near:
        server.accept()[0].close()
        line.cut("breaks")
        assert near.recv(100) == b""
    with connect(line) as near:
        assert near.recv(100) == b""
    line.mend()
    with connect(line) as near:
        far, _ = server.accept()
        with far:
            near.sendall(b"again")
            assert far.recv(100) == b"again"
