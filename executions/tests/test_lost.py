"""Giving up runs: only those whose lease is still the one that was judged, in few statements, and none twice at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.ledger import claims, downstream, lost
from executions.models import Execution, ExecutionQuerySet, PendingAlert, Reason
from executions.monitoring.heartbeat import own_name
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_worker import eventually, queue
from executions.upkeep import reconcile
from executions.values import Claim
from executions.worker.worker import Worker
from jobs.models import Job
from jobs.runners import RUNNERS, Context, Outcome
from jobs.runners.webhook import WebhookRunner
from jobs.tests.factories import make_job, moment

FAR = moment("2099-03-01 10:00")
AT, LATER = "2026-03-01 10:00:02", moment("2026-03-01 10:00:50")


def running(ledger: Ledger, count: int, **changes: Any) -> list[Claim]:
    for number in range(count):
        make_job(name=f"job {number}", due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    return claims.claim([str(run.uid) for run in ledger.announced], WORKER, moment(AT))


def test_a_lease_that_was_renewed_after_it_was_judged_is_not_lost(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = running(ledger, 2)
    locking = ExecutionQuerySet.locking

    def renewed_just_before(rows: ExecutionQuerySet, skip: bool = False) -> ExecutionQuerySet:
        Execution.objects.filter(pk=first.pk).update(lease_until=LATER + claims.LEASE)
        return locking(rows, skip)

    monkeypatch.setattr(ExecutionQuerySet, "locking", renewed_just_before)
    reconcile.lose_expired(LATER)
    states = dict(Execution.objects.values_list("pk", "state"))
    assert states == {first.pk: "running", second.pk: "lost"}


def test_each_lost_run_keeps_its_own_duration_and_people_are_told_of_each(ledger: Ledger) -> None:
    running(ledger, 3)
    first = Execution.objects.order_by("pk").first()
    assert first is not None
    Execution.objects.filter(pk=first.pk).update(started_at=moment("2026-03-01 10:00:00"))
    reconcile.lose_expired(LATER)
    assert list(Execution.objects.order_by("pk").values_list("duration", flat=True)) == [50.0, 48.0, 48.0]
    assert PendingAlert.objects.count() == 3


def test_many_lost_runs_take_few_statements(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "TOGETHER", 50)
    running(ledger, 100, overlap="allow")
    with CaptureQueriesContext(connection) as asked:
        reconcile.lose_expired(LATER)
    assert set(Execution.objects.values_list("state", flat=True)) == {"lost"}
    # Of 100 runs one by one they were 500; two parts now, in each of which four are about incidents, and one reads definitions.
    assert len(asked) < 28


def test_runs_that_may_be_repeated_and_others_are_given_up_together(ledger: Ledger) -> None:
    running(ledger, 2)
    Job.objects.update(overlap="queue")
    again = Execution.objects.order_by("pk")[0]
    again.definition["rerun_lost"] = True
    again.save(update_fields=["definition"])
    assert lost.give_up(Execution.objects.all(), Reason.LOST, LATER) == 2
    assert [run.state for run in Execution.objects.order_by("pk")] == ["queued", "lost"]


def test_a_damaged_definition_among_them_is_lost_like_the_others(ledger: Ledger) -> None:
    damaged, sound = running(ledger, 2, rerun_lost=True)
    Execution.objects.filter(pk=damaged.pk).update(definition=[])
    reconcile.lose_expired(LATER)
    assert dict(Execution.objects.values_list("pk", "state")) == {damaged.pk: "lost", sound.pk: "queued"}


class Waiting(WebhookRunner):
    """Until it is cancelled."""

    async def run(self, context: Context[Any]) -> Outcome:
        await context.cancelled.wait()
        return Outcome("stopped", "cancelled")


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_of_one_name_the_one_with_the_earlier_attempt_stops(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNNERS, "webhook", Waiting())
    worker = Worker("container:1", ["io"])
    try:
        worker.perform([str(queue(ledger).uid)])
        eventually(lambda: bool(worker._runs))
        (active,) = worker.active_runs()
        # Attempt 2 is another process's, which calls itself the same.
        Execution.objects.update(attempt=2, lease_until=FAR)
        worker._leases.renew([active])
        eventually(lambda: active.ended)
        row = Execution.objects.get()
        assert (row.state, row.attempt, row.lease_until) == ("running", 2, FAR)
    finally:
        worker.shut_down(0)


def test_no_two_processes_have_the_same_name() -> None:
    assert own_name() != own_name()


def test_jobs_are_locked_before_runs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like everywhere else: otherwise two of them could each wait for the other."""
    order: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            order.append(name)
            return function(*args)

        return call

    running(ledger, 1)
    monkeypatch.setattr(downstream, "of", noted("jobs", downstream.of))
    monkeypatch.setattr(ExecutionQuerySet, "locking", noted("runs", ExecutionQuerySet.locking))
    order.clear()
    reconcile.lose_expired(LATER + dt.timedelta(seconds=1))
    assert order == ["jobs", "runs"]
