"""What the API asks of the database: each thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from compat.ndscheduler import tokens
from conftest import Api
from jobs.tests.factories import make_job

Call = Callable[[], Any]
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def asked(call: Call, status: int = 200, *, savepoints: int = 1) -> list[str]:
    """The statements of a call that was made before (a process learns some things once), without those of transactions."""
    call()
    with CaptureQueriesContext(connection) as queries:
        assert call().status_code == status
    said = [str(query["sql"]) for query in queries.captured_queries]
    assert sum(text.startswith("SAVEPOINT") for text in said) <= savepoints, (
        "one transaction for the whole change"
    )
    return [text for text in said if not text.startswith(TRANSACTION)]


@pytest.fixture
def numbers() -> Iterator[int]:
    """Each call writes something new."""
    return count(1)


def test_a_changed_schedule_and_name_take_twelve_queries_and_a_changed_text_nine(
    api: Api, uma: User, numbers: Iterator[int]
) -> None:
    client, url = api(uma), f"/api/v2/jobs/{make_job(uma).uid}"

    def everything() -> Any:
        n = next(numbers)
        return client.put(url, {"name": f"other {n}", "cron_expression": f"{n} 2 * * *"}, format="json")

    def text() -> Any:
        return client.put(url, {"description": f"text {next(numbers)}"}, format="json")

    assert len(asked(everything)) <= 12
    assert len(asked(text)) <= 9


def test_a_pause_by_put_takes_no_more_than_a_change_and_a_pause(api: Api, uma: User) -> None:
    client, url = api(uma), f"/api/v2/jobs/{make_job(uma).uid}"
    states = count()

    def switch() -> Any:
        return client.put(url, {"is_active": next(states) % 2 == 1}, format="json")

    assert len(asked(switch, savepoints=2)) <= 20


def test_a_new_job_takes_twelve_queries(api: Api, uma: User, numbers: Iterator[int]) -> None:
    client = api(uma)

    def post() -> Any:
        n = next(numbers)
        body = {"name": f"new {n}", "cron_expression": f"{n} 2 * * *", "target_url": "https://1.1.1.1/"}
        return client.post("/api/v2/jobs", body, format="json")

    assert len(asked(post, 201)) <= 12


def test_one_job_takes_two_queries_the_account_and_the_job(api: Api, uma: User) -> None:
    client, url = api(uma), f"/api/v2/jobs/{make_job(uma).uid}"
    assert len(asked(lambda: client.get(url))) == 2


def test_the_first_api_takes_no_more(ada: User, numbers: Iterator[int]) -> None:
    client = Client(headers={"Authorization": f"Bearer {tokens.issue(ada, 0)}"})

    def body() -> dict[str, str]:
        n = next(numbers)
        return {"name": f"new {n}", "job_class_string": "a.b.C", "minute": str(n)}

    def post() -> Any:
        return client.post("/api/v1/jobs", body(), content_type="application/json")

    url = f"/api/v1/jobs/{post().json()['job_id']}"
    assert len(asked(post, 201)) <= 12
    assert len(asked(lambda: client.put(url, body(), content_type="application/json"))) <= 12
    assert len(asked(lambda: client.get(url))) <= 3


def test_health_is_asked_of_the_database_once_a_second(api: Api) -> None:
    client = api()
    assert client.get("/api/v2/health").status_code == 503
    with CaptureQueriesContext(connection) as queries:
        client.get("/api/v2/health")
    assert not queries.captured_queries
