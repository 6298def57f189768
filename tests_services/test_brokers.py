"""From a row to a message to a worker and back to the row, through a real broker that comes and goes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from audit.record import Actor
from executions.ledger.launch import launch
from executions.ledger.publish import depth, publish
from executions.models import Execution, State
from jobs.models import Job
from jobs.tests.factories import make_job, somebody
from scheduler_site.tests.processes import eventually
from tests_services.conftest import Programs
from tests_services.proxy import Proxy

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

SAMPLE = {"job_class": "jobs.classes.sample.AwesomeJob"}


def sample_job(**changes: Any) -> Job:
    return make_job(kind=Job.Kind.PYTHON_CLASS, options=SAMPLE, overlap="allow", **changes)


def run_now(job: Job) -> Execution:
    return launch(job, by=Actor(somebody(), "api"))


def ended(run: Execution) -> str:
    """How it ended; its present state when it does not end in time."""
    eventually(lambda: Execution.objects.get(pk=run.pk).state not in (State.QUEUED, State.RUNNING), 90)
    return Execution.objects.get(pk=run.pk).state


def successes() -> int:
    return Execution.objects.filter(state=State.SUCCESS).count()


def test_a_run_that_is_asked_for_is_done_by_a_worker(started: Programs) -> None:
    started.worker("code")
    assert ended(run_now(sample_job())) == "success"


def test_what_waits_in_a_queue_is_counted(empty_queues: None) -> None:
    job = sample_job()
    for _ in range(3):
        run_now(job)
    assert eventually(lambda: depth("code") == 3), depth("code")
    assert depth("io") == 0


def test_a_message_that_comes_twice_is_done_once(started: Programs) -> None:
    run = run_now(sample_job())
    publish([run])
    last = run_now(sample_job(name="after it"))
    assert depth("code") == 3
    started.worker("code")
    assert [ended(run), ended(last)] == ["success", "success"]
    assert eventually(lambda: depth("code") == 0)
    run.refresh_from_db()
    assert (run.attempt, run.state) == (1, "success")


def test_a_worker_goes_on_when_the_broker_is_back(started: Programs, proxy: Proxy) -> None:
    started.worker("code")
    job = sample_job()
    assert ended(run_now(job)) == "success"
    for _ in range(2):
        connections = proxy.passed
        proxy.cut()
        waiting = run_now(job)
        proxy.mend()
        assert ended(waiting) == "success"
        assert proxy.passed > connections


def test_the_beat_keeps_its_ledger_while_the_broker_is_away_and_nothing_runs_twice(
    started: Programs, proxy: Proxy
) -> None:
    sample_job(name="each second", schedule_kind="interval", every=1, period="seconds", expression="")
    started.worker("code")
    started.beat()
    assert eventually(lambda: successes() >= 2)
    proxy.cut()
    rows = Execution.objects.count()
    assert eventually(lambda: Execution.objects.count() >= rows + 3)
    before = successes()
    proxy.mend()
    assert eventually(lambda: successes() >= before + 5, 90)
    due = Counter(Execution.objects.values_list("job_uid", "scheduled_for"))
    assert set(due.values()) == {1}
    assert not Execution.objects.filter(state=State.SUCCESS).exclude(attempt=1).exists()
