"""GET /api/health: for anybody, without secrets."""

from __future__ import annotations

import pytest
from django.db import DatabaseError

from accounts.models import User
from conftest import Api
from executions.monitoring import figures, health
from executions.monitoring.figures import Figures, Open
from executions.monitoring.health import Check, Health
from executions.monitoring.heartbeat import Process

WELL = Health([Check("database", True), Check("beat", True, age=1.5)], 5)
ILL = Health([Check("database", True), Check("beat", False, "silent", 90.0)], 5)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> list[Health]:
    reports = [WELL]
    monkeypatch.setattr(health, "report", lambda: reports[-1])
    return reports


@pytest.mark.parametrize("url", ["/api/health", "/api/v2/health"])
def test_anybody_may_ask_for_health(api: Api, report: list[Health], url: str) -> None:
    answer = api().get(url)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["scheduler_running"], body["scheduled_jobs_count"]) == ("healthy", True, 5)
    assert set(body) == {
        "status",
        "scheduler_running",
        "scheduled_jobs_count",
        "service",
        "version",
        "api",
        "docs_url",
        "timestamp",
    }


def test_what_is_degraded_is_answered_with_503(api: Api, report: list[Health]) -> None:
    report.append(ILL)
    answer = api().get("/api/health")
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["scheduler_running"]) == ("degraded", False)


def test_the_checks_are_told_to_administrators_only(
    api: Api, ada: User, uma: User, report: list[Health]
) -> None:
    assert "checks" not in api(uma).get("/api/health").json()
    checks = api(ada).get("/api/health").json()["checks"]
    assert checks[1] == {"name": "beat", "ok": True, "detail": "", "age": 1.5}


def test_so_are_the_figures_and_the_processes(
    api: Api, ada: User, uma: User, report: list[Health], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Figures(
        oldest_due=0.0,
        oldest_queued=1.25,
        open=Open(running=2, queued=3, held=1, retrying=1),
        noticed={"lost": 1, "missed": 14, "skipped": 0},
        undelivered=2,
        processes=[Process("beat", "host:7", 1.5), Process("io", "host:8", 90.0)],
    )
    monkeypatch.setattr(figures, "current", lambda: known)
    for stranger in (api(), api(uma)):
        assert not {"figures", "processes"} & set(stranger.get("/api/health").json())
    body = api(ada).get("/api/health").json()
    assert body["figures"] == {
        "oldest_due_seconds": 0.0,
        "oldest_queued_seconds": 1.25,
        "open_runs": 7,
        "open_runs_by_state": {"running": 2, "queued": 3, "held": 1, "retrying": 1},
        "lost_24h": 1,
        "missed_24h": 14,
        "skipped_24h": 0,
        "undelivered_alerts": 2,
    }
    assert body["processes"] == [
        {"role": "beat", "name": "host:7", "age": 1.5, "alive": True, "clock_ahead": 0.0, "tzdata": ""},
        {"role": "io", "name": "host:8", "age": 90.0, "alive": False, "clock_ahead": 0.0, "tzdata": ""},
    ]


def test_figures_that_the_database_does_not_give_are_left_out(
    api: Api, ada: User, report: list[Health], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Figures:
        raise DatabaseError("away")

    monkeypatch.setattr(figures, "current", away)
    assert "figures" not in api(ada).get("/api/health").json()


def test_a_bad_token_does_not_hide_the_health(api: Api, report: list[Health]) -> None:
    client = api()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert "checks" not in answer.json()


def test_nor_does_a_database_that_cannot_know_the_caller(
    api: Api, ada: User, report: list[Health], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(ada)

    def away(*args: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr("accounts.signin.json_web_tokens.user_of", away)
    assert client.get("/api/health").status_code == 200


def test_health_is_only_read(api: Api, report: list[Health]) -> None:
    assert api().post("/api/health").status_code == 405
