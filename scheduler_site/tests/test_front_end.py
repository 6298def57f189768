"""Told to end, the front takes no more connections, finishes what it was asked for, and waits for nobody who is idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from scheduler_site.tests.fronts import Site, read_to_end, timed
from scheduler_site.tests.processes import eventually


def refuses(site: Site) -> bool:
    try:
        site.connect().close()
    except ConnectionError:
        return True
    return False


REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_a_request_that_goes_on_is_answered_and_its_connection_closed() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def application(_environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        begun.set()
        go_on.wait(10)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    site = Site(application)
    site.start()
    with site.connect() as connection:
        connection.sendall(REQUEST)
        assert begun.wait(5)
        site.tell_to_stop()
        assert eventually(lambda: refuses(site), 10)
        go_on.set()
        assert read_to_end(connection).endswith(b"ok")
    site.stop()


def test_those_who_ask_for_nothing_do_not_hold_it_up() -> None:
    site = Site(lambda _environ, _start: [])
    site.start()
    with site.connect(), site.connect() as second:
        second.sendall(REQUEST[:20])
        time.sleep(0.2)
        _, seconds = timed(site.stop)
    assert seconds < 3
