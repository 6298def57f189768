"""Requests that wait for the end of a run hold no thread: everybody else is answered meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from accounts.signin import json_web_tokens
from executions.ledger import launch
from executions.models import Execution, State
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.tests.fronts import Site, running, timed
from scheduler_site.tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 30
THREADS = 4


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs stay queued until the test ends them."""
    monkeypatch.setattr(launch, "publish", lambda runs: True)


@pytest.fixture
def site(settings: LazySettings) -> Iterator[Site]:
    settings.WAITS_PER_ACCOUNT = MANY
    with running(threads=THREADS) as site:
        yield site


@pytest.fixture
def job(uma: User) -> Job:
    return make_job(uma, options={"target_url": "https://1.1.1.1/hook"}, overlap="allow")


def execute(site: Site, user: User, job: Job, seconds: float) -> tuple[int, dict[str, Any]]:
    path = f"/api/v2/jobs/{job.uid}/execute?wait={seconds}"
    headers = {"Authorization": f"Bearer {json_web_tokens.issue(user)[0]}"}
    status, body = site.ask("POST", path, {}, 60, headers)
    return status, json.loads(body)


def begin(
    pool: ThreadPoolExecutor, site: Site, user: User, job: Job, count: int
) -> list[Future[tuple[int, dict[str, Any]]]]:
    """So many requests that wait, once the last one has its run."""
    before = Execution.objects.count()
    begun = [pool.submit(execute, site, user, job, 50) for _ in range(count)]
    assert eventually(lambda: Execution.objects.count() == before + count, 20)
    return begun


def end_all() -> None:
    Execution.objects.update(state=State.SUCCESS, finished_at=timezone.now(), started_at=timezone.now())


def test_many_who_wait_delay_nobody(site: Site, uma: User, job: Job) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        waiting = begin(pool, site, uma, job, MANY)
        for path in ("/healthz", "/login", "/api/v2/health"):
            _, seconds = timed(lambda path=path: site.get(path))
            assert seconds < 2
        assert not any(one.done() for one in waiting)
        end_all()
        for one in waiting:
            status, body = one.result(10)
            assert (status, body["execution"]["state"]) == (200, "success")


def test_the_answer_that_came_later_has_the_headers_of_every_answer(site: Site, uma: User, job: Job) -> None:
    def ask(seconds: float) -> set[str]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
        bearer = f"Bearer {json_web_tokens.issue(uma)[0]}"
        headers = {"Authorization": bearer, "Origin": "https://elsewhere.example.com"}
        connection.request("POST", f"/api/v2/jobs/{job.uid}/execute?wait={seconds}", headers=headers)
        answer = connection.getresponse()
        assert json.loads(answer.read())["message"] == "Job triggered successfully"
        connection.close()
        return {name.lower() for name, _value in answer.getheaders()}

    assert ask(0.3) == ask(0)


def test_an_account_at_its_bound_is_answered_at_once_and_others_may_wait(
    site: Site, settings: LazySettings, uma: User, ada: User, job: Job
) -> None:
    site.front._waits._bound = 2
    with ThreadPoolExecutor(4) as pool:
        waiting = begin(pool, site, uma, job, 2)
        (status, body), seconds = timed(lambda: execute(site, uma, job, 50))
        assert (status, body["execution"]["state"]) == (200, "queued")
        assert seconds < 5
        others = begin(pool, site, ada, job, 1)
        time.sleep(0.5)
        assert not any(one.done() for one in [*waiting, *others])
        end_all()
        assert {one.result(10)[1]["execution"]["state"] for one in [*waiting, *others]} == {"success"}


def test_a_run_that_goes_on_is_told_when_the_time_is_over(site: Site, uma: User, job: Job) -> None:
    (status, body), seconds = timed(lambda: execute(site, uma, job, 0.5))
    assert (status, body["execution"]["state"]) == (200, "queued")
    assert 0.5 <= seconds < 5


def test_who_leaves_is_no_longer_waited_for(site: Site, uma: User, job: Job) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(site.connect())
            token = json_web_tokens.issue(uma)[0]
            connection.sendall(
                f"POST /api/v2/jobs/{job.uid}/execute?wait=50 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode()
            )
        assert eventually(lambda: site.front._waits._accounts[uma.pk] == 3, 20)
    assert eventually(lambda: not site.front._waits._accounts, 10)


def test_who_waits_when_the_site_stops_is_answered(uma: User, job: Job) -> None:
    site = Site(threads=THREADS)
    site.start()
    with ThreadPoolExecutor(2) as pool:
        waiting = begin(pool, site, uma, job, 2)
        threading.Timer(0.2, site.tell_to_stop).start()
        assert {one.result(10)[0] for one in waiting} == {200}
    site.stop()
