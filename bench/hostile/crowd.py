"""Clients that mean no good, in a process of their own: `python -m bench.hostile.crowd KIND COUNT PORT PATH TOKEN`.

They keep their number: who is thrown out comes back. All but the flood come from 127.0.0.3, the flood from 127.0.0.2.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

HEAD = b"Host: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"


@dataclass(frozen=True)
class Kind:
    """What is sent at first, and each half second; `again` sends the first anew as soon as something has come."""

    first: bytes
    then: bytes = b""
    again: bool = False
    reads: bool = True


def kinds(path: str, token: str) -> dict[str, Kind]:
    head = HEAD % token.encode()
    address = path.encode()
    return {
        "silent": Kind(b""),
        "slow headers": Kind(b"GET /login HTTP/1.1\r\n" + head + b"X-A: ", b"x"),
        "slow body": Kind(
            b"POST /api/v2/auth/login HTTP/1.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n" + head + b"\r\n{",
            b" ",
        ),
        "greedy readers": Kind(b"GET " + address + b" HTTP/1.1\r\n" + head + b"\r\n", reads=False),
        "waiting": Kind(b"POST " + address + b" HTTP/1.1\r\nContent-Length: 0\r\n" + head + b"\r\n"),
        "flood": Kind(b"GET /login HTTP/1.1\r\n" + head + b"\r\n", again=True),
    }


def run(kind: Kind, count: int, port: int, source: str) -> None:
    """Until the process is ended."""

    def connect() -> socket.socket:
        made = socket.socket()
        if not kind.reads:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(30)
        made.bind((source, 0))
        made.connect(("127.0.0.1", port))
        made.sendall(kind.first)
        made.setblocking(False)
        return made

    crowd = [connect() for _ in range(count)]
    print("ready", flush=True)
    if kind.again:
        _flood(crowd, kind, connect)
    while True:
        time.sleep(0.5)
        for place, one in enumerate(crowd):
            if _gone(one, kind):
                one.close()
                with contextlib.suppress(OSError):
                    crowd[place] = connect()


def _gone(one: socket.socket, kind: Kind) -> bool:
    try:
        if kind.then:
            one.send(kind.then)
        return kind.reads and one.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _flood(crowd: list[socket.socket], kind: Kind, connect: Callable[[], socket.socket]) -> None:
    poll, by_number = select.poll(), {}
    for one in crowd:
        poll.register(one, select.POLLIN)
        by_number[one.fileno()] = one
    while True:
        for number, _event in poll.poll(1000):
            one = by_number[number]
            try:
                if one.recv(1024 * 1024):
                    one.send(kind.first)
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            poll.unregister(number)
            del by_number[number]
            one.close()
            with contextlib.suppress(OSError):
                again = connect()
                poll.register(again, select.POLLIN)
                by_number[again.fileno()] = again


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(5)  # what they cost the machine is not what is measured
    name, number, port, path, token = sys.argv[1:6]
    source = "127.0.0.2" if name == "flood" else "127.0.0.3"
    run(kinds(path, token)[name], int(number), int(port), source)
