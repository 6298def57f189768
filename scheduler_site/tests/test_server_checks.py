"""A database server that could forget, or whose clock is wrong, is named; one that does not answer holds nobody up."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.db.utils import load_backend

from scheduler_site.checks import servers
from scheduler_site.checks.servers import Server
from scheduler_site.lib.database import address

SAFE = {"sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE", "collation": "utf8mb4_bin"}
SAFE |= {"innodb_flush_log_at_trx_commit": "1"}


def ids(messages: Iterator[Any]) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("fsync", "commit", "expected"),
    [
        ("on", "on", []),
        ("on", "local", []),
        ("on", "remote_apply", []),
        ("off", "on", ["belfry.W020"]),
        ("on", "off", ["belfry.W020"]),
    ],
)
def test_a_postgresql_that_may_forget_commits_is_named(fsync: str, commit: str, expected: list[str]) -> None:
    settings = {"fsync": fsync, "synchronous_commit": commit}
    assert ids(servers.judge_postgresql(settings)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"sql_mode": "STRICT_ALL_TABLES"}, []),
        ({"sql_mode": "NO_ENGINE_SUBSTITUTION"}, ["belfry.W015"]),
        ({"collation": "utf8mb4_general_ci"}, ["belfry.W016"]),
        ({"innodb_flush_log_at_trx_commit": "2"}, ["belfry.W021"]),
        ({"innodb_flush_log_at_trx_commit": "0"}, ["belfry.W021"]),
    ],
)
def test_the_modes_of_mysql_are_judged(change: dict[str, str], expected: list[str]) -> None:
    assert ids(servers.judge_mysql(SAFE | change)) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [("read committed", []), ("READ COMMITTED", []), ("repeatable read", ["belfry.E014"]), (None, ["belfry.E014"])],
)  # fmt: skip
def test_the_isolation_level_of_mysql_is_judged(level: str | None, expected: list[str]) -> None:
    assert ids(servers.judge_isolation(level)) == expected


@pytest.mark.parametrize(
    ("ahead", "expected"), [(0.2, []), (-0.9, []), (1.1, ["belfry.W022"]), (-400.0, ["belfry.W022"])]
)
def test_clocks_that_are_far_apart_are_named(ahead: float, expected: list[str]) -> None:
    assert ids(servers.judge_clock(ahead)) == expected


def test_it_is_said_which_clock_goes_before_the_other() -> None:
    texts = [next(servers.judge_clock(ahead)).msg for ahead in (12.0, -12.0)]
    assert texts == [
        "The clock of the database is 12.0 s ahead of this machine's.",
        "The clock of the database is 12.0 s behind this machine's.",
    ]


@pytest.mark.django_db
def test_the_database_of_the_tests_answers_and_keeps_time() -> None:
    if connection.vendor not in servers.QUESTIONS:
        assert servers.servers(databases=["default"]) == []
        return
    server = servers.ask(connection)
    assert server is not None
    assert set(server.settings) == set(servers.QUESTIONS[connection.vendor][0])
    assert abs(server.ahead) < 10


@pytest.mark.parametrize(
    ("vendor", "settings", "expected"),
    [
        ("postgresql", {"fsync": "off", "synchronous_commit": "on"}, {"belfry.W020", "belfry.W022"}),
        (
            "mysql",
            SAFE | {"innodb_flush_log_at_trx_commit": "2"},
            {"belfry.W021", "belfry.W022", "belfry.E014"},
        ),
    ],
)
def test_all_that_is_wrong_with_a_server_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, vendor: str, settings: dict[str, str], expected: set[str]
) -> None:
    server = SimpleNamespace(vendor=vendor, settings_dict={})
    monkeypatch.setattr(servers, "connections", {"default": server})
    monkeypatch.setattr(servers, "ask", lambda _: Server(settings, ahead=60.0))
    messages = list(servers.servers(databases=["default"]))
    assert {message.id for message in messages} == expected
    assert all(message.hint for message in messages)


def test_of_a_server_that_is_away_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimpleNamespace(vendor="postgresql", settings_dict={})
    monkeypatch.setattr(servers, "connections", {"default": server})
    monkeypatch.setattr(servers, "ask", lambda _: None)
    assert servers.servers(databases=["default"]) == []


@pytest.fixture
def hanging() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def refusing() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
@pytest.mark.parametrize("server", ["hanging", "refusing"])
def test_a_server_that_does_not_answer_is_not_judged_and_not_waited_for(
    scheme: str, server: str, request: pytest.FixtureRequest
) -> None:
    url = f"{scheme}://nobody@127.0.0.1:{request.getfixturevalue(server)}/nowhere"
    configured = connections.configure_settings({"default": address.configured(url, 30, Path())})["default"]
    began = time.monotonic()
    assert servers.ask(load_backend(configured["ENGINE"]).DatabaseWrapper(configured)) is None
    assert time.monotonic() - began < 2
