"""Unusual runs: told once for each change of state, and once when a run is as usual again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit.record import Actor
from executions.alerting import unusual
from executions.ledger import outcomes
from executions.ledger.outcomes import Report
from executions.models import AlertCondition, Execution, State, Trigger
from executions.tests.conftest import WORKER, Ledger
from executions.upkeep import conditions
from jobs import verbs
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from jobs.verbs import JobChanges
from notifications.models import Alert

MAIL: dict[str, Any] = {"enable_email_notifications": True, "notification_emails": ["ops@example.com"]}
START = moment("2026-03-01 10:00")
MIB = 2**20


class Course:
    """A job whose runs end one after the other, and what is told of them."""

    def __init__(self, ledger: Ledger, **changes: Any) -> None:
        both = {"baseline_duration": True, "baseline_memory": True}
        self.job = make_job(name="sync", schedule_kind="none", **(MAIL | both | changes))
        self.ledger, self.at = ledger, START

    def past(self, seconds: float = 10.0, count: int = 20, **values: Any) -> None:
        """Good runs before."""
        for _ in range(count):
            self.at += dt.timedelta(hours=1)
            run = {
                "state": State.SUCCESS,
                "attempt": 1,
                "duration": seconds,
                "peak_memory": 100 * MIB,
            } | values
            self._row(started_at=self.at, finished_at=self.at, **run)

    def run(self, seconds: float, outcome: Outcome | None = None, **values: Any) -> None:
        self.at += dt.timedelta(hours=1)
        run = self._row(**values)
        (claim,) = self.ledger.claim(run, self.at.isoformat(" ")[:19])
        if suspended := values.get("suspended_seconds"):
            Execution.objects.filter(pk=run.pk).update(suspended_seconds=suspended)
        end = outcome or Outcome("success", peak_memory=100 * MIB)
        outcomes.write([Report(claim, end)], WORKER, self.at + dt.timedelta(seconds=seconds))

    def _row(self, **values: Any) -> Execution:
        job = Job.objects.get(pk=self.job.pk)
        return Execution.objects.create(
            job=job,
            job_name=job.name,
            job_uid=job.uid,
            kind=job.kind,
            definition=job.definition(),
            category=job.category,
            due_at=self.at,
            created_at=self.at,
            **({"trigger": Trigger.SCHEDULED} | values),
        )

    def look(self) -> list[str]:
        before = set(Alert.objects.values_list("pk", flat=True))
        conditions.look(self.at + dt.timedelta(minutes=30), settled=False)
        mails = Alert.objects.filter(channel="email").exclude(pk__in=before).order_by("pk")
        return [mail.subject for mail in mails]


@pytest.fixture
def course(ledger: Ledger) -> Course:
    return Course(ledger)


def judged() -> QuerySet[AlertCondition]:
    return AlertCondition.objects.filter(kind__in=unusual.ALL)


def test_a_long_run_is_told_once_and_the_next_usual_one_as_well(course: Course) -> None:
    course.past()
    course.run(31)
    assert course.look() == ["🟠 Job Took Longer Than Usual: sync"]
    mail = Alert.objects.get(channel="email")
    assert "Duration: 31 s" in mail.text
    assert "Usual: 3.33 s to 20 s; the median of 20 runs is 10 s" in mail.text
    assert course.look() == []
    course.run(33)
    assert course.look() == []
    course.run(10.5)
    assert course.look() == ["✅ Job Recovered: sync"]
    assert course.look() == []
    assert not judged()


def test_a_short_run_is_suspicious_too(course: Course) -> None:
    course.past()
    course.run(1)
    assert course.look() == ["🟠 Job Took Less Time Than Usual: sync"]
    course.run(10)
    assert course.look() == ["✅ Job Recovered: sync"]


def test_more_memory_is_told_and_less_is_not(course: Course) -> None:
    course.past()
    course.run(10, Outcome("success", peak_memory=10 * MIB))
    assert course.look() == []
    course.run(10, Outcome("success", peak_memory=300 * MIB))
    assert course.look() == ["🟠 Job Used More Memory Than Usual: sync"]
    assert "Memory: 314.6 MB" in Alert.objects.get(channel="email").text
    course.run(10)
    assert course.look() == ["✅ Job Recovered: sync"]


def test_of_two_things_at_once_both_are_told(course: Course) -> None:
    course.past()
    course.run(31, Outcome("success", peak_memory=300 * MIB))
    assert len(course.look()) == 2
    course.run(10, Outcome("success", peak_memory=310 * MIB))
    assert course.look() == ["✅ Job Recovered: sync"]
    assert judged().get().kind == "memory"


def test_nothing_is_told_while_it_learns(ledger: Ledger) -> None:
    course = Course(ledger)
    course.past(count=9)
    course.run(300)
    assert course.look() == []


@pytest.mark.parametrize("off", ["baseline_duration", "baseline_memory"])
def test_what_is_off_is_not_told(ledger: Ledger, off: str) -> None:
    course = Course(ledger, **{off: False})
    course.past()
    course.run(31, Outcome("success", peak_memory=300 * MIB))
    (subject,) = course.look()
    assert ("Memory" in subject) == (off == "baseline_duration")


@pytest.mark.parametrize("state", ["failed", "timeout", "error", "stopped"])
def test_a_run_that_did_not_succeed_is_not_judged_and_not_learned_from(course: Course, state: Any) -> None:
    course.past()
    course.run(300, Outcome(state))
    assert not judged()
    course.past(300, count=30, state=state)
    assert unusual.figures(unusual._recent(course.job.pk)[0])["duration"].median == 10


def test_a_second_attempt_says_nothing_of_how_long_the_job_takes(course: Course) -> None:
    course.past()
    course.run(300, attempt=1)
    assert not judged()
    course.past(300, attempt=2, count=30)
    assert unusual.figures(unusual._recent(course.job.pk)[0])["duration"].median == 10


def test_the_time_in_which_a_run_was_suspended_does_not_count(course: Course) -> None:
    course.past()
    course.run(110, suspended_seconds=100.0)
    assert not judged()
    course.past(1000, count=30, suspended_seconds=990.0)
    assert unusual.figures(unusual._recent(course.job.pk)[0])["duration"].median == 10


def test_a_run_that_was_usual_again_before_anybody_looked_is_told_with_its_end(course: Course) -> None:
    course.past()
    course.run(31)
    course.run(10)
    assert course.look() == ["🟠 Job Took Longer Than Usual: sync", "✅ Job Recovered: sync"]


def test_one_that_comes_back_before_anybody_looked_has_no_end(course: Course) -> None:
    course.past()
    for seconds in (31, 10, 31):
        course.run(seconds)
    assert course.look() == ["🟠 Job Took Longer Than Usual: sync"]
    assert judged().get().over_at is None


def test_who_turns_it_off_hears_no_more(course: Course) -> None:
    course.past()
    course.run(31)
    assert len(course.look()) == 1
    verbs.update(course.job, JobChanges({"baseline_duration": False}), by=Actor(None, "api"))
    assert course.look() == []
    assert not judged()


def queries(course: Course, seconds: float, outcome: Outcome | None = None) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        course.run(seconds, outcome)
    return [one["sql"] for one in captured if "SAVEPOINT" not in one["sql"]]


def test_a_job_without_it_costs_nothing_and_one_with_it_one_bounded_query(
    ledger: Ledger, settings: Settings
) -> None:
    # Their totals are asked once in a second: by the first of the two, or by both on a slow machine.
    for subject in ("ACCOUNT", "CATEGORY"):
        setattr(settings, f"RUNS_AT_ONCE_PER_{subject}", 0)
        setattr(settings, f"STARTS_PER_MINUTE_PER_{subject}", 0)
    off, on = Course(ledger, baseline_duration=False, baseline_memory=False), None
    off.past(count=5)
    without = queries(off, 10)
    Job.objects.all().update(name="other")
    on = Course(ledger)
    on.past()
    judged = queries(on, 10)
    extra = [sql for sql in judged if "executions_watch" in sql]
    assert len(judged) == len(without) + 1
    assert len(extra) == 1
    assert "LIMIT 200" in extra[0]


def test_a_run_ends_whatever_goes_wrong_with_judging_it(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.past()

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(unusual, "_recent", broken)
    course.run(31)
    assert Execution.objects.order_by("-pk")[0].state == State.SUCCESS


def test_the_definition_of_a_job_without_it_stays_as_it_was(ledger: Ledger) -> None:
    off = Course(ledger, baseline_duration=False, baseline_memory=False)
    assert "baselines" not in off.job.definition()["alerts"]
