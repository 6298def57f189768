"""Releases side by side: what another one wrote is read as it was meant, or left to those who can."""

from __future__ import annotations

from typing import Any

import pytest

from executions import tasks
from executions.ledger import claims, format_versions
from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs.tests.factories import make_job

NOW = "2026-03-01 10:00:01"


def queued(ledger: Ledger, **definition: Any) -> Execution:
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00")
    (run,) = ledger.rows(job)
    run.definition |= definition
    run.save()
    return run


def test_a_definition_of_a_later_release_is_left_to_its_workers(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    run = queued(ledger, version=format_versions.DEFINITION + 1, surprise=True)
    assert ledger.claim(run, NOW) == []
    run.refresh_from_db()
    assert (run.state, run.attempt, run.published_at) == ("queued", 0, None)
    assert "definition_is_newer" in caplog.text


def test_an_older_definition_is_read_with_defaults(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run = queued(ledger)
    later = format_versions.DEFINITION + 1
    monkeypatch.setattr(format_versions, "DEFINITION", later)
    monkeypatch.setattr(format_versions, "ADDED", {later: {"priority": 5}})
    monkeypatch.setattr(claims, "NEEDED", claims.NEEDED | {"priority": int})
    (claim,) = ledger.claim(run, NOW)
    assert claim.policy["priority"] == 5


def test_without_a_default_a_key_that_is_needed_is_an_error(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued(ledger)
    monkeypatch.setattr(claims, "NEEDED", claims.NEEDED | {"priority": int})
    assert ledger.claim(run, NOW) == []
    run.refresh_from_db()
    assert run.state == "error"


def test_a_new_definition_carries_its_version(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    later = format_versions.DEFINITION + 1
    monkeypatch.setattr(format_versions, "DEFINITION", later)
    assert queued(ledger).definition["version"] == later


@pytest.mark.parametrize(("version", "taken"), [(None, True), (1, True), (2, False)])
def test_a_message_of_a_later_release_is_left_to_its_workers(
    monkeypatch: pytest.MonkeyPatch, version: int | None, taken: bool
) -> None:
    asked: list[Any] = []

    class Crew:
        def perform(self, uids: list[str], queue: str) -> None:
            asked.extend(uids)

    monkeypatch.setattr(tasks, "worker", Crew)
    headers = {} if version is None else {"belfry": version}
    task: Any = tasks.perform
    task.push_request(headers=headers, delivery_info={"routing_key": "io"})
    try:
        task.run(["a run"])
    finally:
        task.pop_request()
    assert bool(asked) is taken
