"""Runs that end together are written together, each with its own duration, and each only if it still is this worker's."""

from __future__ import annotations

from executions.ledger import claims, outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution, LogChunk
from executions.tests.conftest import WORKER, Ledger
from executions.values import Claim
from executions.worker.writer import MOST_TEXT, Writer
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment


def three_running(ledger: Ledger) -> list[Claim]:
    """Started one, two and three seconds after 10:00."""
    for number in range(3):
        make_job(name=f"job {number}", due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    uids = [str(run.uid) for run in ledger.announced]
    return [claims.claim([uid], WORKER, moment(f"2026-03-01 10:00:0{i}"))[0] for i, uid in enumerate(uids, 1)]


def test_each_keeps_its_own_duration_and_outcome(ledger: Ledger) -> None:
    first, second, third = three_running(ledger)
    ends = [Outcome("success"), Outcome("success"), Outcome("failed", "no", retryable=False)]
    reports = [Report(claim, end) for claim, end in zip((first, second, third), ends, strict=True)]
    assert outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10")) == [first, second, third]
    rows = Execution.objects.order_by("started_at").values_list("state", "duration", "error")
    assert list(rows) == [("success", 9.0, ""), ("success", 8.0, ""), ("failed", 7.0, "no")]


def test_each_keeps_what_it_measured(ledger: Ledger) -> None:
    first, second, third = three_running(ledger)
    ends = [
        Outcome("success", exit_code=0, result='{"a": 1}', peak_memory=3_000_000_000),
        Outcome("success", response_status=204, target="there"),
        Outcome("success", "it's 100 % done", result="x"),
    ]
    reports = [Report(claim, end) for claim, end in zip((first, second, third), ends, strict=True)]
    assert len(outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10"))) == 3
    columns = ("exit_code", "result", "peak_memory", "response_status", "target", "error")
    assert list(Execution.objects.order_by("started_at").values_list(*columns)) == [
        (0, '{"a": 1}', 3_000_000_000, None, first.target, ""),
        (None, "", None, 204, "there", ""),
        (None, "x", None, None, third.target, "it's 100 % done"),
    ]


def test_one_that_was_given_up_meanwhile_is_refused_and_the_others_are_not(ledger: Ledger) -> None:
    first, second, third = three_running(ledger)
    Execution.objects.filter(pk=second.pk).update(state="lost")
    reports = [Report(claim, Outcome("success", output="done")) for claim in (first, second, third)]
    assert outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10")) == [first, third]
    assert list(Execution.objects.order_by("started_at").values_list("state", flat=True)) == [
        "success",
        "lost",
        "success",
    ]
    assert set(LogChunk.objects.values_list("execution_id", flat=True)) == {first.pk, third.pk}


def test_all_of_them_may_come_too_late(ledger: Ledger) -> None:
    running = three_running(ledger)
    Execution.objects.update(state="lost")
    reports = [Report(claim, Outcome("success")) for claim in running]
    assert outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10")) == []


def test_ends_of_an_earlier_attempt_do_not_touch_a_later_one(ledger: Ledger) -> None:
    first, second, _ = three_running(ledger)
    Execution.objects.filter(pk=first.pk).update(attempt=2)
    reports = [Report(claim, Outcome("success")) for claim in (first, second)]
    assert outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10")) == [second]
    assert Execution.objects.get(pk=first.pk).state == "running"


def test_outcomes_that_are_alike_take_as_few_statements_as_one(
    ledger: Ledger, django_assert_max_num_queries: object
) -> None:
    running = three_running(ledger)
    reports = [Report(claim, Outcome("success", output="x")) for claim in running]
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        outcomes.write(reports, WORKER, moment("2026-03-01 10:00:10"))


def test_large_results_are_not_put_into_one_statement(ledger: Ledger) -> None:
    running = three_running(ledger)
    writer = Writer(WORKER, lambda _claims: None)
    for claim in running:
        writer.report(claim, Outcome("success", result="x" * MOST_TEXT))
        writer.report(claim, "a line\n")
    writer.report(running[0], "another\n")
    assert [len(writer._next()) for _ in range(4)] == [1, 2, 2, 2]
