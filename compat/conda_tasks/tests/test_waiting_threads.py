"""Clients that wait for an environment hold no thread of the web, and what they asked for is done though they leave."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from accounts.models import User
from conftest import PASSWORD
from environments.models import Environment, Operation
from environments.operations.worker import OperationWorker
from environments.tests.conftest import _stand_in, operator
from jobs.models import Job
from scheduler_site.tests.fronts import Site, running, timed
from scheduler_site.tests.processes import eventually

__all__ = ["_stand_in", "operator"]

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, MANY = 2, 6


@pytest.fixture
def site() -> Iterator[Site]:
    with running(threads=THREADS) as site:
        yield site


def cookie(site: Site, user: User) -> str:
    body = json.dumps({"username": user.username, "password": PASSWORD})
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)) as connection:
        connection.request("POST", "/login", body, {"Content-Type": "application/json"})
        return connection.getresponse().headers["Set-Cookie"].partition(";")[0]


def test_many_who_wait_delay_nobody(site: Site, coder: User, operator: OperationWorker) -> None:
    headers = {"Cookie": cookie(site, coder)}

    def make(number: int) -> tuple[int, bytes]:
        return site.ask("POST", "/api/conda/environment", {"name": f"data-{number}"}, 60, headers)

    with ThreadPoolExecutor(MANY) as pool:
        waiting = [pool.submit(make, number) for number in range(MANY)]
        assert eventually(lambda: Operation.objects.count() == MANY, 20)
        _, seconds = timed(lambda: site.get("/login"))
        assert seconds < 2
        assert not any(one.done() for one in waiting)
        for _ in range(MANY):
            operator.look()
        assert {one.result(30)[0] for one in waiting} == {201}
    assert Environment.objects.filter(state="ready").count() == MANY


def test_a_task_is_made_though_its_client_has_left(
    site: Site, coder: User, operator: OperationWorker
) -> None:
    body = {"script": "print(1)", "conda_env": "data", "task_name": "hello", "requirements": "numpy"}
    sent = json.dumps(body).encode()
    with site.connect() as connection:
        connection.sendall(
            b"POST /api/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Cookie: %s\r\nContent-Length: %d\r\n\r\n" % (cookie(site, coder).encode(), len(sent)) + sent
        )
        assert eventually(Operation.objects.exists, 20)
    operator.look()
    assert eventually(Job.objects.exists, 30)
