"""Code runs only while its owner may run code; otherwise it is suspended, its people are told once, and it runs on later."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import verbs as account_verbs
from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import launch
from executions.models import Execution, State
from executions.tests.conftest import Ledger
from executions.tests.test_downstream_jobs import END, finish, follow, started
from executions.upkeep import code_permission as upkeep
from executions.values import Claim
from jobs import code_permission, verbs
from jobs.code_permission import CodeSuspended
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from jobs.verbs import JobChanges
from notifications.models import Notification

CLASS = "jobs.classes.sample.AwesomeJob"


@pytest.fixture
def cody(db: None) -> User:
    return User.objects.create_user("cody", role="user", may_run_code=True, edit_scope="category")


def code_job(owner: User, name: str = "code", **changes: Any) -> Job:
    options = {"job_class": CLASS, "args": ["a", "b"]}
    return make_job(owner, name=name, kind="python_class", options=options, **changes)


def lose(user: User, how: str) -> None:
    if how == "deleted":
        account_verbs.delete(user, by=Actor.system())
        return
    change: dict[str, dict[str, Any]] = {
        "inactive": {"is_active": False},
        "right": {"may_run_code": False},
        "viewer": {"role": "viewer"},
    }
    account_verbs.update(user, change[how], by=Actor.system())


LOSSES = {"inactive": "inactive", "right": "right", "viewer": "right", "deleted": "ownerless"}


@pytest.mark.parametrize(("how", "reason"), LOSSES.items())
def test_the_tick_holds_the_job_and_runs_nothing(
    ledger: Ledger, ada: User, cody: User, how: str, reason: str
) -> None:
    job = code_job(cody, due="2026-03-01 10:00")
    other = make_job(cody, name="webhook", due="2026-03-01 10:00")
    lose(cody, how)
    ledger.tick("2026-03-01 10:00:01")
    job.refresh_from_db()
    assert (job.code_suspended, job.next_run_at, ledger.rows(job)) == (reason, None, [])
    assert len(ledger.rows(other)) == 1


def test_due_times_of_an_outage_are_not_made_up_for_either(ledger: Ledger, ada: User, cody: User) -> None:
    job = code_job(cody, due="2026-03-01 07:00", catch_up="all")
    lose(cody, "right")
    ledger.tick("2026-03-01 10:00:01")
    assert Execution.objects.filter(job=job).count() == 0


@pytest.mark.parametrize("how", LOSSES)
def test_a_run_that_waits_does_not_start_any_more(ledger: Ledger, ada: User, cody: User, how: str) -> None:
    job = code_job(cody, due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    lose(cody, how)
    (run,) = ledger.rows(job)
    assert ledger.claim(run, "2026-03-01 10:00:02") == []
    assert ledger.fates(job) == ["10:00 skipped owner"]
    assert Job.objects.get(pk=job.pk).code_suspended


def test_a_second_attempt_is_a_start_as_well(ledger: Ledger, ada: User, cody: User) -> None:
    job = code_job(cody, due="2026-03-01 10:00", max_attempts=3, retry_delay=1)
    finish(started(ledger, job), Outcome("failed", "no"))
    lose(cody, "right")
    (run,) = ledger.rows(job)
    assert ledger.claim(run, "2026-03-01 10:05") == []
    run.refresh_from_db()
    assert (run.state, run.reason, run.error) == (State.ERROR, "owner", "The owner may not run code.")


def test_a_job_that_follows_counts_its_own_owner(ledger: Ledger, ada: User, cody: User) -> None:
    first = make_job(ada, name="first", due="2026-03-01 10:00")
    second = code_job(cody, schedule_kind="none", expression="")
    follow(second, first)
    claim: Claim = started(ledger, first)
    lose(cody, "inactive")
    finish(claim, Outcome("success"), END)
    assert ledger.fates(second) == ["10:00 skipped owner"]


@pytest.mark.parametrize("how", LOSSES)
def test_nobody_starts_it_by_hand_not_even_an_administrator(
    ada: User, cody: User, api: Api, how: str
) -> None:
    job = code_job(cody)
    lose(cody, how)
    answer = api(ada).post(f"/api/v2/jobs/{job.uid}/execute", {"wait": 0}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (409, "Code is suspended")
    assert answer.json()["message"] == str(Job.Suspension(LOSSES[how]).label)
    assert not Execution.objects.exists()


def test_v1_refuses_with_the_reason(ada: User, cody: User) -> None:
    from django.test import Client

    from compat.ndscheduler import tokens

    job = code_job(cody)
    lose(cody, "right")
    headers = {"Authorization": f"Bearer {tokens.issue(ada, 0)}"}
    answer = Client().post(f"/api/v1/executions/{job.uid.hex}", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "The owner may not run code."})


def test_who_starts_it_needs_the_right_too_then_and_when_it_runs(
    ledger: Ledger, ada: User, cody: User
) -> None:
    job = code_job(ada)
    run = launch.launch(job, by=Actor(cody, "api"))
    lose(cody, "right")
    with pytest.raises(CodeSuspended):
        launch.launch(job, by=Actor(User.objects.get(pk=cody.pk), "api"))
    assert ledger.claim(run, "2099-01-01 00:00") == []
    run.refresh_from_db()
    assert (run.state, run.reason) == ("skipped", "owner")
    assert not Job.objects.get(pk=job.pk).code_suspended


def test_the_reconciler_finds_it_at_once_and_people_are_told_once(ada: User, cody: User) -> None:
    job = code_job(cody)
    lose(cody, "right")
    for _ in range(3):
        upkeep.settle()
    job.refresh_from_db()
    assert (job.code_suspended, job.next_run_at) == ("right", None)
    told = Notification.objects.filter(related_job_uid=job.uid, title__contains="Code Suspended")
    assert sorted(told.values_list("user__username", flat=True)) == ["ada", "cody"]
    assert Entry.objects.filter(object_uid=job.uid, changes__has_key="code_suspended").count() == 1


def test_when_the_right_is_back_it_runs_on_and_the_time_between_has_its_row(
    ledger: Ledger, ada: User, cody: User
) -> None:
    job = code_job(cody)
    lose(cody, "right")
    upkeep.settle()
    account_verbs.update(cody, {"may_run_code": True}, by=Actor.system())
    upkeep.settle()
    job.refresh_from_db()
    assert job.code_suspended == ""
    assert job.next_run_at is not None


def test_changing_and_pausing_a_held_job_does_not_start_it(ada: User, cody: User) -> None:
    job = code_job(cody)
    lose(cody, "right")
    upkeep.settle()
    by = Actor(ada, "api")
    verbs.update(job, JobChanges({"end_date": None, "description": "x"}), by=by)
    verbs.pause(job, by=by)
    verbs.resume(job, by=by)
    job.refresh_from_db()
    assert (job.code_suspended, job.next_run_at) == ("right", None)


def test_somebody_who_may_run_code_takes_it_over(ada: User, cody: User, api: Api) -> None:
    job = code_job(cody)
    lose(cody, "right")
    upkeep.settle()
    answer = api(ada).post(f"/api/v2/jobs/{job.uid}/take-over")
    told = answer.json()["job"]
    assert (answer.status_code, told["code_suspended"], told["created_by"]) == (200, "", str(ada.uid))
    job.refresh_from_db()
    assert job.next_run_at is not None


def test_a_job_that_is_not_held_is_taken_from_nobody_but_by_administrators(
    ada: User, cody: User, uma: User
) -> None:
    job = make_job(uma, name="hers")
    with pytest.raises(verbs.Refused):
        code_permission.take_over(job, by=Actor(cody, "api"))
    assert code_permission.take_over(job, by=Actor(ada, "api"))


def test_who_owns_a_job_is_not_refused_it(uma: User, api: Api) -> None:
    job = make_job(uma, name="hers")
    answer = api(uma).post(f"/api/v2/jobs/{job.uid}/take-over")
    assert (answer.status_code, answer.json()["message"]) == (200, "Job is yours already")


def test_code_that_a_command_of_the_server_made_needs_no_owner(ledger: Ledger, ada: User) -> None:
    job = code_job(ada)
    made = verbs.create(
        JobChanges({"name": "imported", "kind": job.kind, "options": job.options, "category": job.category}),
        by=Actor.command(),
    )
    upkeep.settle()
    assert not Job.objects.get(pk=made.pk).code_suspended
    assert launch.launch(made, by=Actor.command()).state == "queued"


def test_the_page_of_a_suspended_job_lists_no_times_at_which_it_will_not_run(ada: User, cody: User) -> None:
    job = code_job(cody)
    client = browser(ada)
    path = f"/jobs/{job.uid}"
    assert "<ol" in client.get(path).content.decode().partition("Schedule</h2>")[2].partition("</section>")[0]
    lose(cody, "inactive")
    upkeep.settle()
    card = client.get(path).content.decode().partition("Schedule</h2>")[2].partition("</section>")[0]
    assert "No scheduled runs while its code is suspended." in card
    assert "<ol" not in card
