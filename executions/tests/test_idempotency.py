"""A request to run a job that is sent twice with the same key runs it once."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from conftest import Api
from executions.ledger import idempotency
from executions.models import Execution, IdempotencyKey, State
from executions.tests.conftest import Ledger
from executions.upkeep import prune
from jobs.models import Job, today
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db
REPLAYED = "Idempotency-Replayed"


def execute(api: Api, user: User, job: Job, key: str | None = "k-1", **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    url = f"/api/v2/jobs/{job.uid}/execute"
    return api(user).post(url, {"wait": 0} | body, format="json", headers=headers)


def test_the_same_request_is_answered_with_the_same_run(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma)
    first = execute(api, uma, job, metadata={"a": 1, "b": 2})
    assert REPLAYED not in first
    Execution.objects.update(state=State.SUCCESS)
    again = execute(api, uma, job, metadata={"b": 2, "a": 1}, wait=0.1)
    assert (again.status_code, again[REPLAYED]) == (200, "true")
    assert again.json()["execution"]["id"] == first.json()["execution"]["id"]
    assert again.json()["execution"]["state"] == "success"
    assert Execution.objects.count() == 1


def test_without_a_key_every_request_counts(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma, overlap="allow")
    for _ in range(2):
        assert REPLAYED not in execute(api, uma, job, None)
    assert Execution.objects.count() == 2


def test_another_body_under_the_same_key_is_refused(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma, overlap="allow")
    execute(api, uma, job, metadata={"a": 1})
    answer = execute(api, uma, job, metadata={"a": 2})
    assert (answer.status_code, answer.json()["error"]) == (409, "Idempotency-Key reused")
    assert Execution.objects.count() == 1


def test_a_key_belongs_to_one_user_and_one_job(api: Api, uma: User, ada: User, ledger: Ledger) -> None:
    job, other = make_job(uma, overlap="allow"), make_job(uma, name="other")
    for user, target in ((uma, job), (ada, job), (uma, other)):
        assert REPLAYED not in execute(api, user, target)
    assert Execution.objects.count() == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "schlüssel", "\x7f"])
def test_what_is_no_key_is_refused(api: Api, uma: User, ledger: Ledger, key: str) -> None:
    answer = execute(api, uma, make_job(uma), key)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid Idempotency-Key")
    assert not Execution.objects.exists()


def test_what_was_refused_may_be_sent_again(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma)
    execute(api, uma, job, "first")
    assert execute(api, uma, job, "second").status_code == 409
    Execution.objects.update(state=State.SUCCESS)
    answer = execute(api, uma, job, "second")
    assert (answer.status_code, REPLAYED in answer) == (200, False)


def test_a_replay_is_answered_though_the_job_has_ended_meanwhile(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma)
    execute(api, uma, job)
    Job.objects.update(end_date=today() - dt.timedelta(days=1))
    assert execute(api, uma, job)[REPLAYED] == "true"


def test_a_key_is_good_for_a_day_and_then_forgotten(api: Api, uma: User, ledger: Ledger) -> None:
    job = make_job(uma, overlap="allow")
    execute(api, uma, job)
    IdempotencyKey.objects.update(at=timezone.now() - idempotency.KEPT)
    assert REPLAYED not in execute(api, uma, job)
    assert Execution.objects.count() == 2
    assert IdempotencyKey.objects.count() == 1
    prune.prune(timezone.now() + idempotency.KEPT + dt.timedelta(seconds=1))
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_requests_that_come_together_one_runs_the_job(api: Api, uma: User, ledger: Ledger) -> None:
    job, barrier, answers = make_job(uma, overlap="allow"), threading.Barrier(4), list[Any]()

    def send() -> None:
        barrier.wait()
        answers.append(execute(api, uma, job))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(REPLAYED in answer for answer in answers) == [False, True, True, True]
    assert len({answer.json()["execution"]["id"] for answer in answers}) == 1
    assert Execution.objects.count() == 1


def test_the_form_of_a_page_runs_the_job_once_however_often_it_is_sent(uma: User, ledger: Ledger) -> None:
    job, client = make_job(uma, overlap="allow"), browser(uma)
    page = client.get(f"/jobs/{job.uid}/run").content.decode()
    (key,) = re.findall(r'name="key" value="([^"]+)"', page)
    sent = {"metadata": "{}", "key": key}
    first, again = (client.post(f"/jobs/{job.uid}/run", sent) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert "This form was already submitted" in client.get(again.headers["Location"]).content.decode()
    # Changed and sent again from the same form: another run was meant.
    client.post(f"/jobs/{job.uid}/run", sent | {"metadata": '{"a": 1}'})
    assert Execution.objects.count() == 2


def test_the_buttons_that_run_a_job_at_once_carry_a_key_as_well(uma: User, ledger: Ledger) -> None:
    job, client = make_job(uma, overlap="allow"), browser(uma)
    (key,) = re.findall(r'name="key" value="([^"]+)"', client.get("/jobs").content.decode())
    for _ in range(2):
        client.post(f"/jobs/{job.uid}/run", {"key": key})
    assert Execution.objects.count() == 1
