"""The environment becomes settings; what makes no sense is refused with a hint."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.lib import env
from scheduler_site.lib.database.address import configured, hurried
from scheduler_site.running import installation


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), ("0", False), ("off", False), ("", True)]
)
def test_yes_and_no_have_several_spellings(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("SWITCH", text)
    assert env.boolean("SWITCH", default=True) is value


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        (lambda: env.boolean("VALUE", default=True), "perhaps", "VALUE=perhaps is neither true nor false"),
        (
            lambda: env.integer("VALUE", 1, low=1, high=9),
            "ten",
            "VALUE=ten is not a whole number from 1 to 9",
        ),
        (lambda: env.integer("VALUE", 1, low=1, high=9), "10", "VALUE=10 is not a whole number from 1 to 9"),
        (lambda: env.choice("VALUE", "a", ("a", "b")), "c", "VALUE=c is unknown. Use one of: a, b"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], text: str, hint: str
) -> None:
    monkeypatch.setenv("VALUE", text)
    with pytest.raises(ImproperlyConfigured, match=hint):
        read()


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("VALUE_FILE", str(tmp_path / "key"))
    assert env.secret("VALUE") == "from the file"
    monkeypatch.setenv("VALUE_FILE", str(tmp_path / "nothing"))
    with pytest.raises(ImproperlyConfigured, match=r"VALUE_FILE=.* cannot be read"):
        env.secret("VALUE")


def test_the_generated_key_is_private_and_stays_the_same(tmp_path: Path) -> None:
    key = installation.secret_key(tmp_path / "data")
    assert len(key) >= 50
    assert installation.secret_key(tmp_path / "data") == key
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("given", ["/nowhere/at/all", "", "long"])
def test_the_socket_always_has_a_short_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    if given == "long":
        given = str(tmp_path / ("x" * 120))
        Path(given).mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: given or "/tmp")
    directory = installation.short_directory(tmp_path)
    assert directory.parent == Path("/tmp")
    assert directory.name.startswith(f"belfry-{os.getuid()}-")


def test_each_data_directory_has_a_socket_of_its_own(tmp_path: Path) -> None:
    assert installation.short_directory(tmp_path / "a") != installation.short_directory(tmp_path / "b")


def test_sqlite_takes_its_locks_at_the_start_of_a_transaction() -> None:
    options = configured("sqlite:////tmp/some.sqlite3", 30, Path())["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] >= 5
    assert "journal_mode=WAL" in options["init_command"]


def test_mysql_shows_a_transaction_the_claims_of_others() -> None:
    assert configured("mysql://u:p@host/belfry", 30, Path())["OPTIONS"]["isolation_level"] == "read committed"


def test_postgresql_reads_the_rows_of_a_page_in_one_process() -> None:
    usual = configured("postgres://u:p@host/belfry", 60, Path())
    for config in (usual, hurried(usual, 10)):
        assert "max_parallel_workers_per_gather=0" in config["OPTIONS"]["options"]


def test_a_hurried_connection_notices_in_its_time_that_the_server_is_gone() -> None:
    usual = configured("postgres://u:p@host/belfry", 60, Path())
    options = hurried(usual, 10)["OPTIONS"]
    assert options["tcp_user_timeout"] == 10_000
    assert "statement_timeout=10000" in options["options"]
    asked = options["keepalives_idle"] + options["keepalives_count"] * options["keepalives_interval"]
    assert asked <= 10
    assert usual["OPTIONS"]["tcp_user_timeout"] == 60_000


@pytest.mark.parametrize("url", ["belfry.sqlite3", "gopher://host/belfry"])
def test_a_database_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        configured(url, 30, Path())
