"""Lists of many rows are written in pieces, and say the same as short ones."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from audit.models import Entry
from audit.record import Actor, record
from conftest import Api
from executions.ledger import launch
from executions.models import Execution, State, Trigger
from jobs.tests.factories import make_job
from scheduler_site.rest import streamed

pytestmark = pytest.mark.django_db
MANY = 7


@pytest.fixture
def _many(ada: User) -> None:
    now = timezone.now()
    for number in range(MANY):
        job = make_job(ada, name=f"job {number} “é”")
        record(Entry.Event.PAUSED, job, by=Actor(user=ada, surface="v1"))
        run = launch.row(job, now - dt.timedelta(seconds=number), now, Trigger.MANUAL)
        run.state, run.error, run.finished_at = State.FAILED, "no", now
        run.save()
    assert Execution.objects.count() == MANY


def read(answer: Any) -> Any:
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/json")
    return json.loads(b"".join(answer) if answer.streaming else answer.content), answer.streaming


LISTS = {
    "/api/v2/jobs": "jobs",
    "/api/v1/jobs": "jobs",
    "/api/v1/executions": "executions",
    "/api/v1/logs": "logs",
}


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("at_once", [1, 3, 6])
def test_a_long_list_says_what_a_short_one_says(
    api: Api, ada: User, monkeypatch: pytest.MonkeyPatch, path: str, at_once: int
) -> None:
    client = client_of(path, api, ada)
    short, in_pieces = read(client.get(path))
    assert not in_pieces
    assert len(short[LISTS[path]]) >= MANY
    monkeypatch.setattr(streamed, "AT_ONCE", at_once)
    assert read(client.get(path)) == (short, True)


def client_of(path: str, api: Api, user: User) -> Client:
    if not path.startswith("/api/v1"):
        return api(user)
    from compat.ndscheduler import tokens

    return Client(headers={"Authorization": f"Bearer {tokens.issue(user, 0)}"})


@pytest.mark.usefixtures("_many")
def test_what_was_ignored_is_said_in_long_lists_too(
    api: Api, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, _ = read(api(ada).get("/api/v2/jobs?frist=1"))
    assert short["warnings"]
    monkeypatch.setattr(streamed, "AT_ONCE", 2)
    assert read(api(ada).get("/api/v2/jobs?frist=1")) == (short, True)


@pytest.mark.usefixtures("_many")
def test_rows_are_read_when_they_are_written(api: Api, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a client who reads slowly keeps a page of them in memory, not all."""
    monkeypatch.setattr(streamed, "AT_ONCE", 2)
    pieces: Iterator[bytes] = iter(api(ada).get("/api/v2/jobs"))
    next(pieces)
    counts = []
    for _ in range(MANY // 2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            next(pieces)
        counts.append(len(queries))
    assert all(counts)
