"""One clock for all hosts: the database's. A host's own clock may say what it likes."""

from __future__ import annotations

import ast
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import DatabaseError, connection

from scheduler_site.lib import clock

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
# Before the tests' own host takes the database's place (conftest.py).
EPOCH = clock.EPOCH
APPS = ("audit", "jobs", "executions", "notifications")


class Server:
    """A database server whose clock the test sets; `away` when it does not answer."""

    vendor = "postgresql"

    def __init__(self) -> None:
        self.seconds, self.asked, self.away = NOON.timestamp(), 0, False

    def cursor(self) -> Server:
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, _: str) -> None:
        self.asked += 1
        if self.away:
            raise DatabaseError("gone")

    def fetchone(self) -> tuple[float]:
        return (self.seconds,)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    passed = [100.0]
    monkeypatch.setattr(clock, "steady", lambda: passed[0])
    clock.forget()
    yield passed
    clock.forget()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, steady: list[float]) -> Server:
    server = Server()
    monkeypatch.setattr(clock, "connection", server)
    monkeypatch.setattr(clock, "EPOCH", {"postgresql": "its time"})
    return server


@pytest.mark.parametrize("off", [-300, -12, 12, 300])
def test_hosts_whose_clocks_differ_agree_on_the_time(server: Server, off: int) -> None:
    with time_machine.travel(NOON + dt.timedelta(seconds=off), tick=False):
        assert clock.now() == NOON
        assert clock.ahead() == off


def test_the_database_is_asked_every_five_seconds_and_time_passes_meanwhile(
    server: Server, steady: list[float]
) -> None:
    assert clock.now() == NOON
    steady[0] += 4
    assert clock.now() == NOON + dt.timedelta(seconds=4)
    assert server.asked == 1
    steady[0] += 1
    server.seconds += 60
    assert clock.now() == NOON + dt.timedelta(seconds=60)
    assert server.asked == 2


def test_a_host_clock_that_is_set_moves_nothing(server: Server) -> None:
    with time_machine.travel(NOON, tick=False) as here:
        assert clock.now() == NOON
        here.shift(3600)
        assert (clock.now(), clock.ahead()) == (NOON, 3600)


def test_while_the_database_is_away_its_last_word_counts(server: Server, steady: list[float]) -> None:
    clock.now()
    server.away = True
    steady[0] += 30
    assert clock.now() == NOON + dt.timedelta(seconds=30)


def test_a_database_that_was_never_reached_has_no_time_but_pages_show_some(server: Server) -> None:
    server.away = True
    with pytest.raises(DatabaseError):
        clock.now()
    assert abs(clock.shown().timestamp() - time.time()) < 5


@pytest.mark.parametrize(("said", "expected"), [(20, 23), (23, 23), (30, 30), (10, 10)])
def test_an_answer_that_took_long_counts_only_where_it_contradicts_an_exact_one(
    server: Server, steady: list[float], monkeypatch: pytest.MonkeyPatch, said: int, expected: int
) -> None:
    clock.now()
    steady[0] += 20

    def slowly(_: str) -> None:
        steady[0] += 3
        server.seconds += said

    monkeypatch.setattr(server, "execute", slowly)
    assert clock.now() == NOON + dt.timedelta(seconds=expected)


@pytest.mark.django_db
def test_the_database_of_the_tests_keeps_this_hosts_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.forget()
    monkeypatch.setattr(clock, "EPOCH", EPOCH)
    assert abs(clock.now().timestamp() - time.time()) < 5
    assert abs(clock.ahead()) < 5
    assert connection.vendor in {"sqlite", *EPOCH}
    clock.forget()


def _host_times(path: Path) -> list[Any]:
    """Where a module asks Django for the host's time."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "now"
        and isinstance(node.value, ast.Name)
        and node.value.id == "timezone"
    ]


@pytest.mark.parametrize("app", APPS)
def test_nothing_in_the_apps_goes_by_the_hosts_clock(app: str) -> None:
    sources = [path for path in (settings.BASE_DIR / app).rglob("*.py") if "tests" not in path.parts]
    assert sources
    assert [str(path) for path in sources if _host_times(path)] == []


def test_however_long_the_answer_took_nobody_is_early(
    server: Server, steady: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(_: str) -> None:
        # The server looked at its clock at the beginning: by now it is a second later there.
        steady[0] += 1

    monkeypatch.setattr(server, "execute", slowly)
    assert clock.now() == NOON
