"""Jobs that run after others: what the end of a run starts, once, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.record import Actor
from executions.ledger import outcomes, verbs
from executions.ledger.launch import row
from executions.ledger.outcomes import Report
from executions.models import Execution, Reason, State, Trigger
from executions.tests.conftest import WORKER, Ledger
from executions.upkeep import prune, reconcile
from executions.values import Claim
from jobs import verbs as job_verbs
from jobs.models import Dependency, Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment, somebody
from notifications.models import Alert

END = "2026-03-01 10:00:12"


def manual_only(name: str, **changes: Any) -> Job:
    return make_job(name=name, schedule_kind="none", expression="", **changes)


def follow(job: Job, after: Job, on: str = "success") -> None:
    Dependency.objects.create(job=job, after=after, on=on)


def pair(on: str = "success", *, first: dict[str, Any] | None = None, **changes: Any) -> tuple[Job, Job]:
    """A, due at 10:00, and B, which follows it."""
    a, b = make_job(name="A", due="2026-03-01 10:00", **first or {}), manual_only("B", **changes)
    follow(b, a, on)
    return a, b


def started(ledger: Ledger, job: Job) -> Claim:
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")
    ledger.announced.clear()
    return claim


def finish(claim: Claim, outcome: Outcome, now: str = END) -> None:
    outcomes.write([Report(claim, outcome)], WORKER, moment(now))


@pytest.mark.parametrize(
    ("on", "ends"),
    [
        ("success", {"success"}),
        ("failure", {"failed", "timeout", "error"}),
        ("finish", {"success", "failed", "timeout", "error", "stopped"}),
    ],
)
@pytest.mark.parametrize("state", ["success", "failed", "timeout", "error", "stopped"])
def test_the_end_of_a_run_starts_what_follows_on_it(
    ledger: Ledger, on: str, ends: set[str], state: str
) -> None:
    a, b = pair(on)
    finish(started(ledger, a), Outcome(state))  # type: ignore[arg-type]
    assert len(ledger.rows(b)) == (state in ends)


@pytest.mark.django_db(transaction=True)
def test_the_new_run_names_its_cause_and_is_announced_after_the_commit(ledger: Ledger) -> None:
    a, b = pair(start_deadline=600)
    claim = started(ledger, a)
    finish(claim, Outcome("success"))
    (run,) = ledger.rows(b)
    assert (run.state, run.trigger, run.caused_by_id, run.scheduled_for) == (
        State.QUEUED, Trigger.DEPENDENCY, claim.pk, None,
    )  # fmt: skip
    assert (run.due_at, run.start_before) == (moment(END), moment("2026-03-01 10:10:12"))
    assert [one.uid for one in ledger.announced] == [run.uid]
    (second,) = ledger.claim(run, "2026-03-01 10:00:13")
    assert not second.by_hand


def test_one_that_was_not_announced_is_found_by_the_reconciler(ledger: Ledger) -> None:
    a, b = pair()
    finish(started(ledger, a), Outcome("success"))
    assert ledger.announced == []  # the transaction of this test never commits
    reconcile.announce(moment("2026-03-01 10:01"))
    assert [one.job_id for one in ledger.announced] == [b.pk]


def test_only_the_last_attempt_is_an_end(ledger: Ledger) -> None:
    a, b = pair("failure", first={"max_attempts": 2})
    finish(started(ledger, a), Outcome("failed"))
    assert ledger.rows(b) == []
    (second,) = ledger.claim(ledger.rows(a)[0], "2026-03-01 11:00:00")
    finish(second, Outcome("failed"), "2026-03-01 11:00:05")
    assert len(ledger.rows(b)) == 1


def test_an_outcome_that_comes_twice_or_too_late_starts_nothing_more(ledger: Ledger) -> None:
    a, b = pair()
    claim = started(ledger, a)
    for _ in range(2):
        finish(claim, Outcome("success"))
    assert len(ledger.rows(b)) == 1
    again = row(b, moment(END), moment(END), Trigger.DEPENDENCY)
    again.caused_by_id = claim.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


@pytest.mark.parametrize(("rerun", "count"), [(False, 1), (True, 0)])
def test_a_lost_run_has_failed_unless_it_is_repeated(ledger: Ledger, rerun: bool, count: int) -> None:
    a, b = pair("failure", first={"rerun_lost": rerun})
    started(ledger, a)
    reconcile.lose_expired(moment("2026-03-01 10:05"))
    assert len(ledger.rows(b)) == count


@pytest.mark.parametrize(("on", "count"), [("failure", 0), ("finish", 1)])
def test_one_that_was_lost_while_it_was_stopped_has_ended_but_not_failed(
    ledger: Ledger, on: str, count: int
) -> None:
    a, b = pair(on)
    started(ledger, a)
    verbs.stop(ledger.rows(a)[0], by=Actor(somebody()))
    reconcile.lose_expired(moment("2026-03-01 10:05"))
    assert len(ledger.rows(b)) == count


def test_a_worker_that_shuts_down_under_a_run_makes_it_fail(ledger: Ledger) -> None:
    a, b = pair("failure")
    outcomes.write([Report(started(ledger, a), None)], WORKER, moment(END))
    assert ledger.fates(b) == ["10:00 queued"]


def test_a_run_that_cannot_be_started_has_failed(ledger: Ledger) -> None:
    a, b = pair("failure")
    ledger.tick("2026-03-01 10:00:01")
    Execution.objects.update(definition={})
    assert ledger.claim(ledger.rows(a)[0], "2026-03-01 10:00:02") == []
    assert ledger.fates(b) == ["10:00 queued"]


def test_due_times_that_were_missed_or_skipped_start_nothing(ledger: Ledger) -> None:
    a, b = pair("finish", first={"start_deadline": 60})
    ledger.tick("2026-03-01 10:00:01")
    reconcile.end_unstartable(moment("2026-03-01 10:30"))
    assert ledger.fates(a) == ["10:00 missed deadline"]
    assert ledger.rows(b) == []


def test_stopping_ends_a_run_between_two_attempts_but_not_one_that_never_began(ledger: Ledger) -> None:
    a, b = pair("finish", first={"max_attempts": 2})
    ledger.tick("2026-03-01 10:00:01")
    verbs.stop(ledger.rows(a)[0], by=Actor(somebody()))
    assert ledger.rows(b) == []
    Execution.objects.update(state=State.QUEUED, attempt=1)
    verbs.stop(ledger.rows(a)[0], by=Actor(somebody()))
    assert len(ledger.rows(b)) == 1


def test_a_paused_follower_is_skipped_with_the_reason(ledger: Ledger) -> None:
    a, b = make_job(name="A", due="2026-03-01 10:00"), make_job(name="B")
    follow(b, a)
    job_verbs.pause(b, by=Actor(somebody()))
    finish(started(ledger, a), Outcome("success"))
    assert ledger.fates(b) == ["10:00 skipped paused"]


def test_one_that_is_paused_before_it_starts_is_skipped(ledger: Ledger) -> None:
    a, b = make_job(name="A", due="2026-03-01 10:00"), make_job(name="B")
    follow(b, a)
    finish(started(ledger, a), Outcome("success"))
    job_verbs.pause(b, by=Actor(somebody()))
    assert ledger.claim(ledger.rows(b)[0], "2026-03-01 10:00:13") == []
    assert ledger.fates(b) == ["10:00 skipped paused"]


def test_one_whose_last_day_is_over_is_skipped_with_the_reason(ledger: Ledger) -> None:
    a, b = pair()
    Job.objects.filter(pk=b.pk).update(end_date="2026-02-28")
    finish(started(ledger, a), Outcome("success"))
    assert ledger.fates(b) == ["10:00 skipped ended"]


def test_a_follower_that_does_not_start_in_time_is_missed(ledger: Ledger) -> None:
    a, b = pair(start_deadline=60)
    finish(started(ledger, a), Outcome("success"))
    reconcile.end_unstartable(moment("2026-03-01 10:02"))
    assert ledger.fates(b) == ["10:00 missed deadline"]


@pytest.mark.parametrize(
    ("rule", "fates", "held"),
    [
        ("skip", ["queued", "skipped overlap"], [False, False]),
        ("queue", ["queued", "queued"], [False, True]),
        ("allow", ["queued", "queued"], [False, False]),
        ("replace", ["skipped replaced", "queued"], [False, True]),
    ],
)
def test_ends_at_the_same_time_obey_the_overlap_rule_of_what_follows(
    ledger: Ledger, rule: str, fates: list[str], held: list[bool]
) -> None:
    first, second = (make_job(name=name, due="2026-03-01 10:00") for name in "AC")
    b = manual_only("B", overlap=rule)
    for job in (first, second):
        follow(b, job)
    ledger.tick("2026-03-01 10:00:01")
    claims = [ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")[0] for job in (first, second)]
    outcomes.write([Report(claim, Outcome("success")) for claim in claims], WORKER, moment(END))
    rows = ledger.rows(b)
    assert [f"{run.state} {run.reason}".strip() for run in rows] == fates
    assert [run.held for run in rows] == held


def test_an_edge_counts_though_it_is_younger_than_the_run(ledger: Ledger) -> None:
    a, b = make_job(name="A", due="2026-03-01 10:00"), manual_only("B")
    claim = started(ledger, a)
    follow(b, a)
    finish(claim, Outcome("success"))
    assert len(ledger.rows(b)) == 1


def test_a_run_by_hand_starts_what_follows_as_well_and_chains_go_on(ledger: Ledger, uma: User) -> None:
    from executions.ledger.launch import launch

    a, b = pair()
    c = manual_only("C")
    follow(c, b, "failure")
    run = launch(a, by=Actor(uma))
    now = run.due_at
    (claim,) = ledger.claim(run, now.strftime("%Y-%m-%d %H:%M:%S.%f"))
    assert claim.by_hand
    outcomes.write([Report(claim, Outcome("success"))], WORKER, now)
    (second,) = ledger.claim(ledger.rows(b)[0], now.strftime("%Y-%m-%d %H:%M:%S.%f"))
    outcomes.write([Report(second, Outcome("failed"))], WORKER, now)
    (last,) = ledger.rows(c)
    assert last.caused_by is not None
    assert last.caused_by.caused_by == run


def test_runs_without_followers_cost_one_query_for_all_of_a_batch(ledger: Ledger) -> None:
    jobs = [make_job(name=str(number), due="2026-03-01 10:00") for number in range(5)]
    ledger.tick("2026-03-01 10:00:01")
    claims = [ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")[0] for job in jobs]
    with CaptureQueriesContext(connection) as queries:
        outcomes.write([Report(claim, Outcome("success")) for claim in claims], WORKER, moment(END))
    assert [query["sql"].count("jobs_dependency") > 0 for query in queries].count(True) == 1


def test_a_follower_that_cannot_be_written_does_not_keep_the_end_from_the_ledger(ledger: Ledger) -> None:
    a, b = pair()
    claim = started(ledger, a)
    Job.objects.filter(pk=b.pk).update(options=["damaged"])
    finish(claim, Outcome("success"))
    assert ledger.fates(a) == ["10:00 success"]
    assert ledger.rows(b) == []


def test_a_follower_that_fails_is_told_by_mail_like_a_scheduled_run(ledger: Ledger) -> None:
    a, b = pair(enable_email_notifications=True, notification_emails=["ops@example.com"])
    finish(started(ledger, a), Outcome("success"))
    (claim,) = ledger.claim(ledger.rows(b)[0], "2026-03-01 10:00:13")
    finish(claim, Outcome("failed", "no"), "2026-03-01 10:00:14")
    assert Alert.objects.filter(channel=Alert.Channel.EMAIL, recipients=["ops@example.com"]).count() == 1


def test_forgetting_the_cause_keeps_what_it_led_to(ledger: Ledger) -> None:
    a, b = pair()
    finish(started(ledger, a), Outcome("success"))
    Execution.objects.filter(job=a).update(job=None)
    Execution.objects.filter(job=b).update(due_at=moment("2099-01-01 00:00"))
    prune.prune(moment("2099-01-01 00:00"))
    (run,) = Execution.objects.all()
    assert (run.job, run.caused_by, run.reason) == (b, None, Reason.NONE)
