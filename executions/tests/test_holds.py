"""A hold: nothing starts, nothing is lost by it, and afterwards everything is as it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from executions.ledger import claims, launch, outcomes, verbs
from executions.ledger.due import inactive_periods
from executions.ledger.limits import holds
from executions.ledger.outcomes import Report
from executions.models import Execution, Hold
from executions.monitoring import figures
from executions.tests.conftest import WORKER, Hands, Ledger
from executions.upkeep import conditions, reconcile
from jobs import verbs as job_verbs
from jobs.models import Dependency, InactivePeriod, Job
from jobs.models.stored_schedule import Timing
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment, somebody
from jobs.verbs import JobChanges, Refused

pytestmark = pytest.mark.django_db(transaction=False)
DAY = "2026-03-01"


def begin(hands: Hands, at: str = "09:59:00", until: str = "", **changes: Any) -> Hold:
    hands.at(f"{DAY} {at}")
    end = moment(f"{DAY} {until}") if until else None
    return holds.begin(reason="database move", by=Actor(somebody(), "page"), until=end, **changes)


def end(hands: Hands, hold: Hold, at: str) -> None:
    hands.at(f"{DAY} {at}")
    assert holds.end(hold, by=Actor.system())
    settle(hands, at)


def settle(hands: Hands, at: str) -> None:
    hands.at(f"{DAY} {at}")
    holds.end_due(moment(f"{DAY} {at}"))
    inactive_periods.settle()


def every_ten(**changes: Any) -> Job:
    return make_job(due=f"{DAY} 10:00", expression="*/10 * * * *", **changes)


def told(ledger: Ledger, job: Job) -> list[str]:
    """`10:00-10:20 3 held` for each row."""
    return [
        f"{row.due_at:%H:%M}{f'-{row.last_slot:%H:%M}' if row.last_slot else ''} {row.slots} {row.reason or row.state}"
        for row in ledger.rows(job)
    ]


def test_due_times_in_a_hold_leave_one_row_with_their_number_who_and_why(
    ledger: Ledger, hands: Hands
) -> None:
    job, hold = every_ten(), begin(hands)
    for minute in ("10:00", "10:10", "10:20"):
        ledger.tick(f"{DAY} {minute}:01")
    assert told(ledger, job) == []
    end(hands, hold, "10:25:00")
    assert told(ledger, job) == ["10:00-10:20 3 held"]
    (row,) = ledger.rows(job)
    assert (row.state, row.requested_by, row.error) == ("skipped", somebody(), "database move")
    assert row.is_stretch
    ledger.tick(f"{DAY} 10:30:01")
    assert told(ledger, job) == ["10:00-10:20 3 held", "10:30 1 queued"]


def test_the_next_due_time_is_shown_while_a_hold_lasts(ledger: Ledger, hands: Hands) -> None:
    job = every_ten()
    begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    assert Job.objects.get(pk=job.pk).next_run_at == moment(f"{DAY} 10:10")


def test_a_job_that_was_not_due_in_a_hold_has_no_row_of_it(ledger: Ledger, hands: Hands) -> None:
    job, hold = every_ten(), begin(hands)
    end(hands, hold, "09:59:30")
    assert (told(ledger, job), InactivePeriod.objects.count()) == ([], 0)


def test_a_hold_of_a_category_leaves_the_others_alone(ledger: Ledger, hands: Hands) -> None:
    other = Category.objects.create(name="Warehouse", slug="warehouse")
    held, free = every_ten(name="held", category=other.pk), every_ten(name="free")
    hold = begin(hands, category=other)
    ledger.tick(f"{DAY} 10:00:01")
    assert (told(ledger, held), told(ledger, free)) == ([], ["10:00 1 queued"])
    end(hands, hold, "10:05:00")
    assert told(ledger, held) == ["10:00 1 held"]


def test_a_job_is_free_when_the_last_of_two_holds_has_ended(ledger: Ledger, hands: Hands) -> None:
    job, everything = every_ten(), begin(hands)
    general = begin(hands, category=Category.general())
    ledger.tick(f"{DAY} 10:00:01")
    end(hands, everything, "10:05:00")
    ledger.tick(f"{DAY} 10:10:01")
    assert told(ledger, job) == []
    end(hands, general, "10:15:00")
    assert told(ledger, job) == ["10:00-10:10 2 held"]


def test_a_hold_ends_by_itself(ledger: Ledger, hands: Hands) -> None:
    job = every_ten()
    begin(hands, until="10:05:00")
    ledger.tick(f"{DAY} 10:00:01")
    settle(hands, "10:04:59")
    assert Hold.objects.active().exists()
    reconcile.reconcile(moment(f"{DAY} 10:05:00"))
    assert not Hold.objects.active().exists()
    hands.at(f"{DAY} 10:05:01")
    reconcile.reconcile(moment(f"{DAY} 10:05:01"))
    assert told(ledger, job) == ["10:00 1 held"]


def test_a_queued_run_waits_and_starts_after_the_hold_though_its_deadline_has_passed(
    ledger: Ledger, hands: Hands, django_capture_on_commit_callbacks: Any
) -> None:
    job = every_ten(start_deadline=60)
    ledger.tick(f"{DAY} 10:00:01")
    (run,) = ledger.rows(job)
    hold = begin(hands, "10:00:02")
    ledger.announced.clear()
    assert ledger.claim(run, f"{DAY} 10:00:03") == []
    reconcile.reconcile(moment(f"{DAY} 10:30:00"))
    assert (told(ledger, job), ledger.announced) == (["10:00 1 queued"], [])
    with django_capture_on_commit_callbacks(execute=True):
        end(hands, hold, "11:00:00")
    assert ledger.announced == [run]
    # Of its 60 seconds, 58 were left.
    assert len(ledger.claim(run, f"{DAY} 11:00:57")) == 1


def test_after_the_hold_a_start_deadline_goes_on(ledger: Ledger, hands: Hands) -> None:
    job = every_ten(start_deadline=60)
    ledger.tick(f"{DAY} 10:00:01")
    hold = begin(hands, "10:00:02")
    end(hands, hold, "11:00:00")
    assert ledger.claim(ledger.rows(job)[0], f"{DAY} 11:00:59") == []
    assert told(ledger, job) == ["10:00 1 deadline"]


@pytest.mark.parametrize("first", ["everything", "category"])
def test_a_time_in_which_two_holds_go_on_prolongs_a_start_deadline_once(
    ledger: Ledger, hands: Hands, first: str
) -> None:
    job = every_ten(start_deadline=60)
    ledger.tick(f"{DAY} 10:00:01")
    (run,) = ledger.rows(job)
    everything = begin(hands, "10:00:02")
    general = begin(hands, "10:10:02", category=Category.general())
    order = [everything, general] if first == "everything" else [general, everything]
    for hold, at in zip(order, ("10:20:02", "10:30:02"), strict=True):
        end(hands, hold, at)
    run.refresh_from_db()
    assert run.start_before == moment(f"{DAY} 10:31:00")


def test_a_run_that_goes_on_goes_on_and_what_follows_it_waits(ledger: Ledger, hands: Hands) -> None:
    job = every_ten(name="A")
    follower = make_job(name="B", schedule_kind="none", expression="", start_deadline=60)
    Dependency.objects.create(job=follower, after=job, on="success")
    ledger.tick(f"{DAY} 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], f"{DAY} 10:00:02")
    hold = begin(hands, "10:00:03")
    outcomes.write([Report(claim, Outcome("success"))], WORKER, moment(f"{DAY} 10:00:10"))
    (run,) = ledger.rows(follower)
    assert (ledger.rows(job)[0].state, run.state) == ("success", "queued")
    assert ledger.claim(run, f"{DAY} 10:00:11") == []
    end(hands, hold, "12:00:00")
    assert len(ledger.claim(run, f"{DAY} 12:00:30")) == 1


def test_a_retry_waits(ledger: Ledger, hands: Hands) -> None:
    job = every_ten(max_attempts=2, retry_delay=5)
    ledger.tick(f"{DAY} 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], f"{DAY} 10:00:02")
    outcomes.write([Report(claim, Outcome("failed", "no"))], WORKER, moment(f"{DAY} 10:00:10"))
    hold = begin(hands, "10:00:11")
    (run,) = ledger.rows(job)
    assert (run.state, ledger.claim(run, f"{DAY} 10:09:00")) == ("queued", [])
    reconcile.announce_retries(moment(f"{DAY} 10:09:00"))
    assert run not in ledger.announced
    end(hands, hold, "10:09:30")
    assert [claim.attempt for claim in ledger.claim(run, f"{DAY} 10:09:31")] == [2]


def test_a_start_by_hand_is_refused_with_the_reason(ledger: Ledger, hands: Hands, uma: User) -> None:
    job = every_ten(owner=uma)
    begin(hands, until="11:00:00")
    with pytest.raises(holds.Held, match=r"2026-03-01.*database move"):
        launch.launch(job, by=Actor(uma, "page"))
    with pytest.raises(holds.Held):
        launch.launch(job, by=Actor(uma, "page"), despite_hold=True)
    assert ledger.rows(job) == []


def test_an_administrator_may_start_one_all_the_same(ledger: Ledger, hands: Hands, ada: User) -> None:
    job = every_ten(owner=ada)
    begin(hands)
    with pytest.raises(holds.Held):
        launch.launch(job, by=Actor(ada, "page"))
    run = launch.launch(job, by=Actor(ada, "page"), despite_hold=True)
    assert len(ledger.claim(run, f"{DAY} 09:59:30")) == 1
    entry = Entry.objects.filter(event="custom_run").get()
    assert entry.changes["override_hold"] == {"old": False, "new": True}


def test_the_tick_after_an_outage_over_a_whole_hold_tells_the_held_from_the_missed(
    ledger: Ledger, hands: Hands
) -> None:
    job = every_ten(catch_up="all", start_deadline=36000)
    hold = begin(hands, "10:05:00")
    end(hands, hold, "10:25:00")
    ledger.tick(f"{DAY} 10:41:00")
    inactive_periods.settle()
    assert told(ledger, job) == [
        "10:00 1 queued",
        "10:10-10:20 2 held",
        "10:30 1 queued",
        "10:40 1 queued",
    ]


def test_an_outage_that_a_hold_divides_is_made_up_for_by_one_run(ledger: Ledger, hands: Hands) -> None:
    job = every_ten(catch_up="last", start_deadline=36000)
    hold = begin(hands, "10:05:00")
    end(hands, hold, "10:25:00")
    ledger.tick(f"{DAY} 10:41:00")
    inactive_periods.settle()
    assert told(ledger, job) == [
        "10:00 1 coalesced",
        "10:10-10:20 2 held",
        "10:30 1 coalesced",
        "10:40 1 queued",
    ]


def test_a_due_time_just_before_the_end_is_told_once_though_the_tick_comes_after_it(
    ledger: Ledger, hands: Hands
) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    hands.at(f"{DAY} 10:10:01")
    holds.end(hold, by=Actor.system())
    ledger.tick(f"{DAY} 10:10:02")
    settle(hands, "10:10:03")
    ledger.tick(f"{DAY} 10:20:01")
    assert told(ledger, job) == ["10:00-10:10 2 held", "10:20 1 queued"]


def test_a_due_time_just_after_the_end_is_told_though_the_tick_did_not_see_the_end_yet(
    ledger: Ledger, hands: Hands
) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    ledger.tick(f"{DAY} 10:10:01")
    # Its time was taken before the tick, its commit came after it.
    end(hands, hold, "10:09:59.9")
    assert told(ledger, job) == ["10:00-10:10 2 held"]
    ledger.tick(f"{DAY} 10:20:01")
    assert told(ledger, job) == ["10:00-10:10 2 held", "10:20 1 queued"]


def test_what_is_due_after_the_end_is_not_part_of_it_however_late_the_stretch_is_closed(
    ledger: Ledger, hands: Hands
) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    hands.at(f"{DAY} 10:05:00")
    holds.end(hold, by=Actor.system())
    ledger.tick(f"{DAY} 10:10:01")
    settle(hands, "10:25:00")
    assert told(ledger, job) == ["10:00 1 held", "10:10 1 queued"]


def test_an_edit_without_a_beat_over_the_end_of_a_hold_counts_each_due_time_once(
    ledger: Ledger, hands: Hands
) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    hands.at(f"{DAY} 10:10:30")
    changed = JobChanges(timing=Timing("cron", "5 * * * *", "UTC"))
    job_verbs.update(Job.objects.get(pk=job.pk), changed, by=Actor.system())
    hands.at(f"{DAY} 10:12:00")
    holds.end(hold, by=Actor.system())
    ledger.tick(f"{DAY} 10:12:01")
    settle(hands, "10:12:02")
    assert told(ledger, job) == ["10:00-10:10 2 held"]


def test_an_edit_in_a_hold_counts_each_schedule_for_its_time(ledger: Ledger, hands: Hands) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    hands.at(f"{DAY} 10:05:00")
    job_verbs.update(
        Job.objects.get(pk=job.pk), JobChanges(timing=Timing("cron", "*/5 * * * *", "UTC")), by=Actor.system()
    )
    ledger.tick(f"{DAY} 10:10:01")
    ledger.tick(f"{DAY} 10:15:01")
    end(hands, hold, "10:16:00")
    assert told(ledger, job) == ["10:00-10:15 3 held"]


def test_a_due_time_that_an_edit_left_to_the_tick_is_held_too(ledger: Ledger, hands: Hands) -> None:
    job, hold = every_ten(), begin(hands)
    hands.at(f"{DAY} 10:00:30")
    job_verbs.update(
        Job.objects.get(pk=job.pk), JobChanges(timing=Timing("cron", "*/5 * * * *", "UTC")), by=Actor.system()
    )
    ledger.tick(f"{DAY} 10:00:31")
    ledger.tick(f"{DAY} 10:05:01")
    end(hands, hold, "10:06:00")
    assert told(ledger, job) == ["10:00-10:05 2 held"]


def test_a_job_that_is_paused_in_a_hold_has_a_row_of_each(ledger: Ledger, hands: Hands) -> None:
    job, hold = every_ten(), begin(hands)
    ledger.tick(f"{DAY} 10:00:01")
    hands.at(f"{DAY} 10:05:00")
    job_verbs.pause(Job.objects.get(pk=job.pk), by=Actor.system(), reason="mine")
    end(hands, hold, "10:15:00")
    hands.at(f"{DAY} 10:25:00")
    job_verbs.resume(Job.objects.get(pk=job.pk), by=Actor.system())
    settle(hands, "10:25:01")
    assert told(ledger, job) == ["10:00 1 held", "10:10-10:20 2 paused"]


def test_a_held_run_is_not_late_and_nothing_waits_too_long(ledger: Ledger, hands: Hands) -> None:
    job = every_ten(start_by=30)
    ledger.tick(f"{DAY} 10:00:01")
    begin(hands, "10:00:02")
    assert conditions.judge_late(moment(f"{DAY} 10:09:00")) == set()
    assert figures.oldest_queued() is None
    assert told(ledger, job) == ["10:00 1 queued"]


def test_a_queued_run_can_be_cancelled_in_a_hold(ledger: Ledger, hands: Hands) -> None:
    job = every_ten()
    ledger.tick(f"{DAY} 10:00:01")
    begin(hands, "10:00:02")
    assert verbs.stop(ledger.rows(job)[0], by=Actor.system())
    assert told(ledger, job) == ["10:00 1 stopped"]


def test_of_each_scope_there_is_one_hold_with_a_reason_and_an_end_to_come(hands: Hands, db: None) -> None:
    by = Actor(somebody(), "page")
    hands.at(f"{DAY} 10:00")
    with pytest.raises(Refused, match="why"):
        holds.begin(reason=" ", by=by)
    with pytest.raises(Refused, match="passed"):
        holds.begin(reason="late", by=by, until=moment(f"{DAY} 09:00"))
    first = begin(hands)
    with pytest.raises(Refused, match="already"):
        begin(hands)
    assert not holds.end(Hold.objects.get(pk=first.pk), by=by) or begin(hands).pk != first.pk
    assert Entry.objects.filter(object_type="hold").count() == 3


def test_the_end_of_a_hold_can_be_moved(ledger: Ledger, hands: Hands) -> None:
    hold = begin(hands, until="10:05:00")
    holds.change(hold, reason="takes longer", until=moment(f"{DAY} 11:00"), by=Actor.system())
    settle(hands, "10:30:00")
    assert Hold.objects.active().get().reason == "takes longer"
    entry = Entry.objects.filter(event="modified", object_type="hold").get()
    assert set(entry.changes) == {"reason", "until"}


def test_a_claim_does_not_ask_for_holds_apart(ledger: Ledger) -> None:
    every_ten()
    ledger.tick(f"{DAY} 10:00:01")
    (run,) = Execution.objects.all()
    with CaptureQueriesContext(connection) as asked:
        claims.claim([str(run.uid)], WORKER, moment(f"{DAY} 10:00:02"))
    apart = re.compile(r'^SELECT .* FROM ["`]executions_hold["`]')
    assert [query["sql"] for query in asked if apart.match(query["sql"].partition("EXISTS")[0])] == []
