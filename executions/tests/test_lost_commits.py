"""A commit whose answer is lost, a database that changes sides, a report that no database takes: each is told apart."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pymysql
import pytest
from django.db import InternalError, OperationalError
from django.utils import timezone

from executions.ledger import claims, outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution, LogChunk
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_worker import Waiting, eventually, queue, start, state
from executions.worker import worker as workers
from executions.worker import writer
from executions.worker.worker import Worker
from jobs.runners import RUNNERS, Context, Outcome

pytestmark = pytest.mark.django_db(transaction=True)


class Talking(Waiting):
    """Says one line, and brings another with its outcome."""

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        context.log("begun\n")
        if seconds := context.spec.metadata.get("seconds"):
            await asyncio.sleep(seconds)
        return Outcome("success", output="done\n" * context.spec.metadata.get("lines", 1))


@pytest.fixture
def worker(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setitem(RUNNERS, "webhook", Talking())
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    worker = Worker(WORKER, ["io"])
    yield worker
    worker.shut_down(0)


def lose_answers(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, times: int = 1
) -> Callable[[], int]:
    """The next calls do their work, and then the connection breaks. Returns how many have done so."""
    real, lost = getattr(module, name), list[bool]()

    def step(*args: Any, **named: Any) -> Any:
        result = real(*args, **named)
        if len(lost) < times:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return result

    monkeypatch.setattr(module, name, step)
    return lambda: len(lost)


@pytest.mark.parametrize("times", [1, 3])
def test_a_claim_that_landed_without_an_answer_is_done_in_its_first_attempt(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    runs = [queue(ledger, name=f"job {number}") for number in range(3)]
    lost = lose_answers(monkeypatch, claims, "claim", times)
    start(worker, *runs)
    eventually(lambda: all(state(run) == "success" for run in runs))
    assert lost() == times
    assert set(Execution.objects.values_list("attempt", flat=True)) == {1}


def test_what_is_adopted_has_a_whole_lease(ledger: Ledger) -> None:
    run, seen = queue(ledger), dict[int, int]()
    claims.claim([str(run.uid)], WORKER, timezone.now() - 2 * claims.LEASE, seen)
    now = timezone.now()
    (claim,) = claims.claim([str(run.uid)], WORKER, now, seen)
    assert claim.attempt == 1
    assert Execution.objects.get().lease_until == now + claims.LEASE


@pytest.mark.parametrize("change", [{"worker": "worker-2"}, {"attempt": 2}, {"state": "lost"}])
def test_what_somebody_else_has_by_now_is_not_adopted(ledger: Ledger, change: dict[str, Any]) -> None:
    run, seen = queue(ledger), dict[int, int]()
    claims.claim([str(run.uid)], WORKER, timezone.now(), seen)
    Execution.objects.update(**change)
    assert claims.claim([str(run.uid)], WORKER, timezone.now(), seen) == []


def test_a_second_message_about_a_run_in_hand_adopts_nothing(ledger: Ledger) -> None:
    run, seen = queue(ledger), dict[int, int]()
    assert len(claims.claim([str(run.uid)], WORKER, timezone.now(), dict[int, int]())) == 1
    for _ in range(2):
        assert claims.claim([str(run.uid)], WORKER, timezone.now(), seen) == []


@pytest.mark.parametrize("times", [1, 3])
def test_output_and_outcome_that_landed_without_an_answer_are_on_record_once(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    run = queue(ledger, metadata={"seconds": 0.2})
    lost = lose_answers(monkeypatch, outcomes, "write", times)
    start(worker, run)
    eventually(lambda: not worker._runs and state(run) == "success")
    assert "".join(LogChunk.objects.order_by("pk").values_list("text", flat=True)) == "begun\ndone\n"
    assert lost() == times


def test_an_attempt_that_failed_waits_once_for_the_next(ledger: Ledger) -> None:
    run = queue(ledger, max_attempts=3, retry_delay=60)
    (claim,) = claims.claim([str(run.uid)], WORKER, timezone.now())
    now = timezone.now()
    outcomes.write([Report(claim, Outcome("failed", "503"))], WORKER, now)
    outcomes.write([Report(claim, Outcome("failed", "503"))], WORKER, now, again=True)
    row = Execution.objects.get()
    assert (row.state, row.attempt, row.reason) == ("queued", 1, "retrying")


def test_the_next_run_of_the_job_is_let_go_though_the_answer_was_lost(ledger: Ledger) -> None:
    first = queue(ledger, overlap="queue")
    (claim,) = claims.claim([str(first.uid)], WORKER, timezone.now())
    held = Execution.objects.get()
    held.pk, held.uid, held.state, held.held, held.busy = None, type(held)().uid, "queued", True, None
    held.scheduled_for = None
    held.save()
    now = timezone.now()
    report = Report(claim, Outcome("success"))
    outcomes.write([report], WORKER, now)
    Execution.objects.filter(pk=held.pk).update(held=True)
    assert outcomes.write([report], WORKER, now, again=True) == [claim]
    assert Execution.objects.get(pk=held.pk).held is False


class Standby(Exception):
    """Of PostgreSQL."""

    sqlstate = "25006"


# MariaDB says no more in its SQLSTATE than that it is an error.
READ_ONLY = pymysql.OperationalError(
    1290, "The MariaDB server is running with the --read-only option", sqlstate="HY000"
)


@pytest.mark.parametrize(
    "cause", [Standby("read-only transaction"), READ_ONLY], ids=["PostgreSQL", "MariaDB"]
)
def test_a_database_that_has_become_a_standby_takes_no_report_away(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    real, refused = outcomes.write, list[bool]()

    def read_only(*args: Any, **named: Any) -> Any:
        if len(refused) < 4:
            refused.append(True)
            error = OperationalError if isinstance(cause, pymysql.Error) else InternalError
            raise error(*cause.args) from cause
        return real(*args, **named)

    monkeypatch.setattr(outcomes, "write", read_only)
    run = queue(ledger)
    start(worker, run)
    eventually(lambda: state(run) == "success")
    assert "".join(LogChunk.objects.values_list("text", flat=True)) == "begun\ndone\n"


def test_a_report_that_breaks_the_connection_each_time_does_not_hold_up_the_others(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As MariaDB does with a packet that is too large: its end is on record all the same, without what was too much."""
    monkeypatch.setattr(writer, "MOST_BREAKS", 2)
    real = outcomes.write

    def too_large(reports: Sequence[Report], *args: Any, **named: Any) -> Any:
        if any(report.characters > 1000 for report in reports):
            raise OperationalError(2006, "MySQL server has gone away")
        return real(reports, *args, **named)

    monkeypatch.setattr(outcomes, "write", too_large)
    large = queue(ledger, name="large", metadata={"lines": 1000})
    small = queue(ledger, name="small")
    start(worker, large, small)
    eventually(lambda: (state(large), state(small)) == ("success", "success"))
    assert Execution.objects.get(pk=large.pk).error == writer.UNWRITABLE


def test_a_disk_that_is_full_takes_no_report_away_though_the_database_answers(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_BREAKS", 2)
    real, refused = outcomes.write, list[bool]()

    def full(*args: Any, **named: Any) -> Any:
        if len(refused) < 6:
            refused.append(True)
            raise OperationalError("database or disk is full") from sqlite3.OperationalError("disk is full")
        return real(*args, **named)

    monkeypatch.setattr(outcomes, "write", full)
    run = queue(ledger)
    start(worker, run)
    eventually(lambda: state(run) == "success")
    assert not Execution.objects.get(pk=run.pk).error
    assert LogChunk.objects.exists()


def test_a_database_that_is_really_away_is_waited_for(
    worker: Worker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_BREAKS", 2)
    monkeypatch.setattr(writer, "_answers", lambda: False)
    real, until = outcomes.write, time.monotonic() + 2

    def away(*args: Any, **named: Any) -> Any:
        if time.monotonic() < until:
            raise OperationalError("connection refused")
        return real(*args, **named)

    monkeypatch.setattr(outcomes, "write", away)
    run = queue(ledger)
    start(worker, run)
    eventually(lambda: state(run) == "success")
    assert Execution.objects.get().error == ""
