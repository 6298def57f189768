"""The system checks name what is unsafe, and are silent otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from accounts import checks as accounts_checks
from accounts import verbs
from accounts.models import User
from executions import checks as executions_checks
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.checks import deployment

GOOD: dict[str, Any] = {
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": "kR8w-2mZqPxV7tLbN4sHdY6cGfJ1aE9uQ0oWiT5yXrBvC3nMzK",
    "JWT_SECRET_KEY": "kR8w-2mZqPxV7tLbN4sHdY6cGfJ1aE9uQ0oWiT5yXrBvC3nMzK",
    "ENCRYPTION_KEYS": ["kR8w-2mZqPxV7tLbN4sHdY6cGfJ1aE9uQ0oWiT5yXrBvC3nMzK"],
    "ALLOW_DEFAULT_ADMIN": False,
    "ALLOWED_HOSTS": ["belfry.example.com"],
    "EXPOSE_ERROR_DETAILS": False,
    "FRONTEND_BASE_URL": "https://belfry.example.com",
    "CORS_ORIGINS": ["https://app.example.com"],
    "HOST": "0.0.0.0",
    "EMBEDDED_REDIS": False,
    "CELERY_BROKER_URL": "amqp://rabbit.example.com",
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
}


pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")


def messages() -> list[CheckMessage]:
    """Ours about the settings; nothing is asked over the network."""
    raised = run_checks(tags=["security", "belfry"])
    return [message for message in raised if str(message.id).startswith("belfry.")]


def found() -> set[str]:
    return {str(message.id) for message in messages()}


@pytest.fixture
def good(settings: Settings) -> Settings:
    """A production as it should be."""
    for name, value in GOOD.items():
        setattr(settings, name, value)
    return settings


def test_a_good_production_has_nothing_to_complain_of(good: Settings) -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DEBUG", True, "E001"),
        ("SECRET_KEY", "short", "E002"),
        ("SECRET_KEY", "a" * 60, "E002"),
        ("SECRET_KEY", "change-me-" + GOOD["SECRET_KEY"], "E002"),
        ("JWT_SECRET_KEY", "short", "E030"),
        ("ENCRYPTION_KEYS", [GOOD["SECRET_KEY"], "b" * 60], "E030"),
        ("ALLOW_DEFAULT_ADMIN", True, "E003"),
        ("ALLOWED_HOSTS", [], "E004"),
        ("ALLOWED_HOSTS", ["*"], "W005"),
        ("EXPOSE_ERROR_DETAILS", True, "W006"),
        ("FRONTEND_BASE_URL", "http://localhost:8000", "W007"),
        ("CORS_ORIGINS", ["*"], "W008"),
        ("EMBEDDED_REDIS", True, "W011"),
        ("METRICS_TOKEN", "1234", "W018"),
        ("CELERY_BEAT_SCHEDULER", "django_celery_beat.schedulers:DatabaseScheduler", "E012"),
    ],
)
def test_each_slip_in_production_is_named(good: Settings, name: str, value: object, expected: str) -> None:
    setattr(good, name, value)
    assert found() == {f"belfry.{expected}"}


def test_at_home_the_conveniences_are_allowed(settings: Settings) -> None:
    settings.PRODUCTION = False
    settings.DEBUG = settings.ALLOW_DEFAULT_ADMIN = settings.EXPOSE_ERROR_DETAILS = True
    settings.HOST = "127.0.0.1"
    settings.SECRET_KEY = "short"
    assert found() == set()


def test_the_known_password_on_an_open_address_is_warned_of(settings: Settings) -> None:
    settings.PRODUCTION, settings.ALLOW_DEFAULT_ADMIN, settings.HOST = False, True, "0.0.0.0"
    assert "belfry.W009" in found()
    settings.ALLOW_DEFAULT_ADMIN = False
    assert "belfry.W009" not in found()


@pytest.mark.parametrize(
    ("production", "broker", "expected"),
    [
        (True, "redis://127.0.0.1:6379", True),
        (False, "redis://redis.example.com:6379", True),
        (False, "redis://127.0.0.1:6379", False),
    ],
)
def test_a_database_file_that_other_machines_would_need_is_warned_of(
    good: Settings, production: bool, broker: str, expected: bool
) -> None:
    good.PRODUCTION, good.CELERY_BROKER_URL, good.ALLOW_DEFAULT_ADMIN = production, broker, False
    good.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
    assert ("belfry.W010" in found()) is expected


@pytest.mark.django_db
def test_the_known_password_is_refused_in_production_and_nowhere_else(settings: Settings) -> None:
    def refused() -> bool:
        return bool(accounts_checks.default_admin(databases=["default"]))

    settings.PRODUCTION = True
    assert not refused()
    User.objects.create_user("ada", role=User.Role.ADMIN, must_change_password=True)
    assert refused()
    settings.PRODUCTION = False
    assert not refused()


def test_a_database_without_tables_has_no_known_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_table() -> bool:
        raise DatabaseError("no such table")

    settings.PRODUCTION = True
    monkeypatch.setattr(verbs, "default_password_in_use", no_table)
    assert accounts_checks.default_admin(databases=["default"]) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAIL_ENABLED", True, {"belfry.W019"}),
        ("MAIL_ENABLED", False, set()),
        ("EMAIL_HOST", "smtp.example.com", set()),
        ("PRODUCTION", False, set()),
    ],
)
def test_people_who_are_to_be_told_by_mail_need_a_mail_server(
    good: Settings, name: str, value: object, expected: set[str]
) -> None:
    good.ALERT_EMAILS, good.EMAIL_HOST = ["ops@example.com"], ""
    setattr(good, name, value)
    assert found() == expected


@pytest.mark.django_db
def test_jobs_that_tell_of_failures_by_mail_need_a_mail_server(good: Settings) -> None:
    def warned() -> list[str]:
        return [message.msg for message in executions_checks.mail_for_jobs(databases=["default"])]

    job = make_job()
    assert warned() == []
    Job.objects.filter(pk=job.pk).update(enable_email_notifications=True)
    assert warned() == ["1 job(s) tell of their failures by e-mail, but there is no mail server."]
    good.EMAIL_HOST = "smtp.example.com"
    assert warned() == []


@pytest.fixture
def no_server(tmp_path: Path) -> str:
    return f"redis+socket://{tmp_path}/nobody.sock"


def test_a_broker_that_cannot_be_reached_is_not_judged(settings: Settings, no_server: str) -> None:
    settings.CELERY_BROKER_URL = no_server
    assert deployment.eviction(databases=["default"]) == []


@pytest.mark.parametrize(("policy", "expected"), [("noeviction", 0), ("allkeys-lru", 1), (None, 0)])
def test_a_broker_that_drops_messages_is_warned_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, policy: str | None, expected: int
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1"
    monkeypatch.setattr(deployment, "eviction_policy", lambda url: policy)
    assert len(list(deployment.eviction(databases=["default"]))) == expected


def test_every_message_carries_a_hint(good: Settings) -> None:
    good.DEBUG = good.ALLOW_DEFAULT_ADMIN = True
    good.SECRET_KEY, good.ALLOWED_HOSTS = "short", []
    assert len(messages()) == 4
    assert all(message.hint for message in messages())
