"""The same three people in every test, fast passwords, and a cache that needs no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import User
from accounts.signin import json_web_tokens
from audit import append_only
from executions.monitoring import health
from jobs import zones
from scheduler_site.lib import clock
from scheduler_site.tests import emptying, schema

PASSWORD = "correct-horse-9"
Api = Callable[..., APIClient]


@pytest.fixture(scope="session", autouse=True)
def _test_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Served by nobody in tests, but looked for.
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        STORAGES={"default": files, "staticfiles": static},
        # What no run of the test's database has left is removed there.
        ARTIFACTS_DIR=tmp_path_factory.mktemp("artifacts"),
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_host() -> Iterator[None]:
    """Tests set this host's clock, and the database lives on the same host."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "EPOCH", {})
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """A test database need not survive a power cut."""
    engine, options = settings.DATABASES["default"]["ENGINE"], settings.DATABASES["default"]["OPTIONS"]
    if engine.endswith("sqlite3"):
        options["init_command"] += "PRAGMA synchronous=OFF;"
    elif engine.endswith("postgresql"):
        options["options"] += " -c synchronous_commit=off"
    schema.copied()


@pytest.fixture(scope="session", autouse=True)
def _emptied_by_its_owner() -> Iterator[None]:
    """A test with transactions of its own ends with all tables empty. The audit trail refuses that, as everywhere: nobody can
    do it but the owner of its tables, who takes the triggers away and puts them back."""
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def emptied(case: TransactionTestCase) -> None:
        append_only.remove(connection)
        try:
            with emptying.quickly():
                empty(case)
        finally:
            append_only.install(connection)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", emptied)
        yield


@pytest.fixture(autouse=True)
def _language_of_one_test() -> Iterator[None]:
    """A request leaves its language behind in the thread, which the next request changes, but not the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _own_time_zones() -> Iterator[None]:
    """The rules that a test's database keeps go with it."""
    yield
    zones.forget()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    health.recent.forget()
    yield
    cache.clear()


def _account(name: str, role: str) -> User:
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, role=role)


@pytest.fixture
def ada(db: None) -> User:
    return _account("ada", User.Role.ADMIN)


@pytest.fixture
def uma(db: None) -> User:
    return _account("uma", User.Role.USER)


@pytest.fixture
def vic(db: None) -> User:
    return _account("vic", User.Role.VIEWER)


@pytest.fixture
def api(db: None) -> Api:
    """`api(user)` speaks as that account with a bearer token, `api()` as nobody."""

    def client(user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {json_web_tokens.issue(user)[0]}")
        return client

    return client
