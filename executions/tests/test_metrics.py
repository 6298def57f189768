"""GET /metrics: for a scraper with the token and for administrators; the names are those that the alert rules use."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from conftest import Api
from executions.models import Heartbeat, State, Trigger
from executions.monitoring import figures, health, metrics
from executions.tests.test_page_list import make_run
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

TOKEN = "a-token-of-the-scraper-0123456789"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(health, "depth", lambda queue: {"io": 4}.get(queue, 0))
    monkeypatch.setattr(health, "broker", health.BrokerProbe())
    metrics.current.forget()


def scraper(token: str = TOKEN) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def scraped() -> dict[str, float]:
    """`name{label}` -> value"""
    text = scraper().get("/metrics").content.decode()
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in read_plain(text)
        for sample in family.samples
    }


def test_strangers_and_people_who_are_no_administrators_get_nothing(
    api: Api, uma: User, vic: User, settings: Settings
) -> None:
    assert api().get("/metrics").status_code == 401
    for token in ("", "wrong", TOKEN + "x", "é"):
        assert scraper(token).get("/metrics").status_code == 401, token
    assert [api(person).get("/metrics").status_code for person in (uma, vic)] == [403, 403]
    assert browser(vic).get("/metrics").status_code == 403
    settings.METRICS_TOKEN = ""
    assert [scraper(token).get("/metrics").status_code for token in ("", TOKEN)] == [401, 401]


def test_the_scraper_and_administrators_get_them(api: Api, ada: User) -> None:
    for client in (scraper(), api(ada), browser(ada)):
        assert client.get("/metrics").status_code == 200
    assert scraper().post("/metrics").status_code == 405


def test_the_token_of_the_scraper_opens_nothing_else(db: None) -> None:
    assert scraper().get("/api/jobs").status_code == 401
    assert "checks" not in scraper().get("/api/health").json()


@pytest.mark.parametrize(
    ("accept", "content_type", "read"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", read_plain),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8", read_plain),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8", read_openmetrics),
        (
            "application/openmetrics-text;version=odd",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            read_openmetrics,
        ),
    ],
)
def test_the_format_is_the_one_that_the_client_reads(
    db: None, accept: str, content_type: str, read: type
) -> None:
    answer = scraper().get("/metrics", headers={"Accept": accept})
    assert answer["Content-Type"] == content_type
    assert len(list(read(answer.content.decode()))) >= 12


def test_they_tell_what_waits_what_is_open_and_who_lives(db: None) -> None:
    now = timezone.now()
    job = make_job()
    make_run(job, state=State.QUEUED, due_at=now - dt.timedelta(seconds=50))
    make_run(job, state=State.QUEUED, held=True)
    make_run(job, state=State.MISSED, slots=3, finished_at=now)
    make_run(job, state=State.SUCCESS, due_at=now - dt.timedelta(hours=25))
    Heartbeat.objects.create(name="io a", role="io", at=now - dt.timedelta(seconds=3), started_at=now)
    Heartbeat.objects.create(name="io b", role="io", at=now - dt.timedelta(seconds=90), started_at=now)
    found = scraped()
    assert found["belfry_oldest_queued_seconds"] == pytest.approx(50, abs=20)
    assert found["belfry_oldest_due_seconds"] == 0
    assert (found["belfry_open_runs{queued}"], found["belfry_open_runs{held}"]) == (1, 1)
    assert (found["belfry_unfulfilled_24h{missed}"], found["belfry_unfulfilled_24h{lost}"]) == (3, 0)
    assert [found[f"belfry_executions_24h{{{state}}}"] for state in ("queued", "missed", "success")] == [
        2,
        1,
        0,
    ]
    assert found["belfry_heartbeat_age_seconds{io}"] == pytest.approx(3, abs=20)
    assert [found[f"belfry_processes{{{role}}}"] for role in ("beat", "io")] == [0, 1]
    assert (found["belfry_queue_depth{io}"], found["belfry_alerts_undelivered"]) == (4, 0)
    assert (found["belfry_check_ok{database}"], found["belfry_check_ok{beat}"]) == (1, 0)


def test_jobs_are_told_apart_by_what_keeps_them_from_running(db: None) -> None:
    for name in ("one", "two", "crooked"):
        make_job(name=name)
    Job.objects.filter(name="crooked").update(quarantine_reason="no such zone", next_run_at=None)
    Job.objects.filter(name="two").update(next_run_at=None)
    found = scraped()
    assert [found[f"belfry_jobs{{{state}}}"] for state in ("scheduled", "broken", "idle")] == [1, 1, 1]


def test_lateness_is_that_of_the_scheduled_runs_of_the_last_hour(db: None) -> None:
    job, now = make_job(), timezone.now()
    assert metrics.lateness(now) == {}
    for late in range(1, 101):
        start = now - dt.timedelta(minutes=1)
        make_run(job, state=State.SUCCESS, started_at=start, due_at=start - dt.timedelta(seconds=late))
    far = now - dt.timedelta(hours=2)
    make_run(job, state=State.SUCCESS, started_at=far, due_at=far - dt.timedelta(hours=1))
    make_run(job, started_at=now, due_at=now - dt.timedelta(hours=1), trigger=Trigger.MANUAL)
    assert metrics.lateness(now) == {"0.5": 50.0, "0.99": 99.0}


def test_a_second_scrape_at_once_asks_the_database_nothing(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = scraper().get("/metrics").content
    make_job()
    with django_assert_num_queries(0):
        assert scraper().get("/metrics").content == first


def test_the_scraper_hears_that_the_database_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(health, "freshest", away)
    monkeypatch.setattr(figures, "count", away)
    found = scraped()
    assert (found["belfry_check_ok{database}"], found["belfry_check_ok{broker}"]) == (0, 1)
    assert "belfry_oldest_due_seconds" not in found


def test_the_alert_rules_name_metrics_that_exist(db: None) -> None:
    make_run(make_job(), started_at=timezone.now())
    Heartbeat.objects.create(name="io a", role="io", at=timezone.now(), started_at=timezone.now())
    rules = (django_settings.BASE_DIR / "deploy/prometheus/alerts.yml").read_text()
    named = set(re.findall(r"\bbelfry_\w+", rules))
    assert named
    assert named <= {name.split("{")[0] for name in scraped()}
