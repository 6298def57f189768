"""A run of code that stands still for a while: who may ask for it, what it counts, and when it ends by itself."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import outcomes, verbs
from executions.ledger.lost import give_up
from executions.ledger.outcomes import Report
from executions.models import AlertCondition, Execution, Reason, State
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_page_list import make_run
from executions.upkeep import conditions
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser
from jobs.verbs import Refused
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db


def code(owner: User | None = None, **changes: object) -> Job:
    job = make_job(owner, due="2026-03-01 10:00", **changes)
    Job.objects.filter(pk=job.pk).update(kind="python_class")
    return Job.objects.get(pk=job.pk)


def going(ledger: Ledger, job: Job) -> Execution:
    """A run of this job that a worker has since ten."""
    ledger.tick("2026-03-01 10:00:01")
    ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:02")
    return ledger.rows(job)[-1]


def test_it_is_suspended_and_resumed_and_both_are_on_record(ledger: Ledger) -> None:
    run = going(ledger, code())
    assert verbs.suspend(run, by=Actor.system()) is True
    assert Execution.objects.get().suspended_at is not None
    assert verbs.resume(run, by=Actor.system()) is True
    assert Execution.objects.get().suspended_at is None
    entries = Entry.objects.filter(object_uid=run.uid).order_by("id")
    assert [entry.event for entry in entries] == ["paused", "resumed"]


def test_asking_twice_changes_nothing_and_leaves_one_entry(ledger: Ledger) -> None:
    run = going(ledger, code())
    verbs.suspend(run, by=Actor.system())
    since = Execution.objects.get().suspended_at
    assert verbs.suspend(run, by=Actor.system()) is False
    assert Execution.objects.get().suspended_at == since
    verbs.resume(run, by=Actor.system())
    assert verbs.resume(run, by=Actor.system()) is False
    assert Entry.objects.filter(object_uid=run.uid).count() == 2


def test_the_times_in_which_it_stood_still_are_added_up(ledger: Ledger) -> None:
    run = going(ledger, code())
    for _ in range(2):
        verbs.suspend(run, by=Actor.system())
        Execution.objects.update(suspended_at=clock.now() - dt.timedelta(hours=1))
        verbs.resume(run, by=Actor.system())
    assert Execution.objects.get().suspended_seconds == pytest.approx(7200, abs=60)


@pytest.mark.parametrize("verb", [verbs.suspend, verbs.resume])
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kind": "webhook"}, "Only runs of code"),
        ({"state": State.QUEUED}, "has not started yet"),
        ({"state": State.SUCCESS}, "has ended already"),
        ({"stop_requested_at": moment("2026-03-01 10:00")}, "is being stopped"),
    ],
)
def test_what_cannot_stand_still_is_refused_with_the_reason(
    ledger: Ledger, verb: object, values: dict[str, object], reason: str
) -> None:
    run = going(ledger, code())
    Execution.objects.update(**values)
    with pytest.raises(Refused, match=reason):
        verb(Execution.objects.get(), by=Actor.system())  # type: ignore[operator]
    assert Execution.objects.get().suspended_at is None
    assert not Entry.objects.filter(object_uid=run.uid).exists()


def test_it_can_be_stopped(ledger: Ledger) -> None:
    run = going(ledger, code())
    verbs.suspend(run, by=Actor.system())
    assert verbs.stop(run, by=Actor.system()) is True
    row = Execution.objects.get()
    assert (row.is_stopping, row.is_suspended) == (True, False)


def test_the_time_until_it_was_stopped_counts_as_suspended(ledger: Ledger) -> None:
    run = going(ledger, code())
    verbs.suspend(run, by=Actor.system())
    Execution.objects.update(suspended_at=clock.now() - dt.timedelta(hours=1))
    verbs.stop(run, by=Actor.system())
    assert Execution.objects.get().suspended_seconds == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("state", ["success", "failed", "stopped"])
def test_the_end_of_the_run_ends_its_suspension(ledger: Ledger, state: str) -> None:
    run = going(ledger, code(max_attempts=2))
    Execution.objects.update(state="queued")
    (claim,) = ledger.claim(run, "2026-03-01 10:00:03")
    verbs.suspend(run, by=Actor.system())
    outcomes.write([Report(claim, Outcome(state))], WORKER, moment("2026-03-01 10:01"))  # type: ignore[arg-type]
    assert Execution.objects.get().suspended_at is None


@pytest.mark.parametrize("again", [False, True])
def test_a_run_that_is_lost_is_not_suspended_any_more_nor_is_its_next_attempt(
    ledger: Ledger, again: bool
) -> None:
    run = going(ledger, code(rerun_lost=again))
    verbs.suspend(run, by=Actor.system())
    give_up(Execution.objects.all(), Reason.LOST, moment("2026-03-01 10:01"))
    row = Execution.objects.get()
    assert (row.state, row.suspended_at) == ("queued" if again else "lost", None)


def test_a_later_attempt_starts_unsuspended(ledger: Ledger) -> None:
    run = going(ledger, code())
    verbs.suspend(run, by=Actor.system())
    Execution.objects.update(state="queued")
    assert ledger.claim(run, "2026-03-01 10:02")
    assert Execution.objects.get().suspended_at is None


def test_nobody_is_told_that_a_suspended_run_takes_too_long(ledger: Ledger) -> None:
    run = going(ledger, code(finish_by=60))
    verbs.suspend(run, by=Actor.system())
    assert conditions.judge_overrun(moment("2026-03-01 12:00")) == set()


def test_the_time_in_which_it_stood_still_does_not_count_as_taking_too_long(ledger: Ledger) -> None:
    job = code(finish_by=60)
    going(ledger, job)
    Execution.objects.update(suspended_seconds=3600)
    assert conditions.judge_overrun(moment("2026-03-01 11:00:30")) == set()
    assert conditions.judge_overrun(moment("2026-03-01 11:01:30")) == {(job.pk, AlertCondition.Kind.OVERRUN)}


# Its surfaces --------------------------------------------------------------------------------------------------------


def running(job: Job) -> Execution:
    return make_run(job, state=State.RUNNING, started_at=clock.now(), attempt=1, kind="python_class")


def test_the_page_suspends_and_resumes_and_says_so(uma: User) -> None:
    run = running(make_job(uma))
    page = browser(uma)
    assert "Suspend" in page.get(f"/executions/{run.uid}").content.decode()
    shown = page.post(f"/executions/{run.uid}/suspend", follow=True).content.decode()
    assert "The run has been suspended" in shown
    assert '<span class="badge suspended">' in shown
    assert '<span class="badge suspended">' in page.get("/executions").content.decode()
    shown = page.post(f"/executions/{run.uid}/resume", follow=True).content.decode()
    assert "The run has been resumed" in shown
    assert '<span class="badge suspended">' not in shown


def test_the_page_of_a_call_offers_no_suspension_and_refuses_one(uma: User) -> None:
    run = make_run(make_job(uma), state=State.RUNNING, started_at=clock.now(), attempt=1)
    page = browser(uma)
    assert "/suspend" not in page.get(f"/executions/{run.uid}").content.decode()
    assert "Only runs of code" in page.post(f"/executions/{run.uid}/suspend", follow=True).content.decode()


def test_who_may_only_look_cannot_suspend(uma: User, vic: User) -> None:
    run = running(make_job())
    assert browser(vic).post(f"/executions/{run.uid}/suspend").status_code == 403
    assert browser(uma).post(f"/executions/{run.uid}/resume").status_code == 403
    assert Execution.objects.get().suspended_at is None


def test_the_api_suspends_and_resumes(api: Api, uma: User) -> None:
    run = running(make_job(uma))
    answer = api(uma).post(f"/api/v2/executions/{run.uid}/suspend")
    assert answer.status_code == 200
    assert answer.json()["message"] == "Execution suspended"
    assert answer.json()["execution"]["suspended_at"] is not None
    answer = api(uma).post(f"/api/v2/executions/{run.uid}/resume")
    assert answer.status_code == 200
    assert answer.json()["execution"]["suspended_at"] is None


def test_the_api_says_why_a_run_cannot_be_suspended(api: Api, uma: User) -> None:
    run = running(make_job(uma))
    Execution.objects.update(state=State.FAILED)
    answer = api(uma).post(f"/api/v2/executions/{run.uid}/suspend")
    assert answer.status_code == 409
    assert answer.json()["message"] == "The run has ended already."


def test_the_api_lets_nobody_suspend_the_runs_of_others(api: Api, uma: User, vic: User) -> None:
    run = running(make_job())
    assert api(vic).post(f"/api/v2/executions/{run.uid}/suspend").status_code == 403
    assert api(uma).post(f"/api/v2/executions/{run.uid}/suspend").status_code == 403
    assert api().post(f"/api/v2/executions/{run.uid}/suspend").status_code == 401
