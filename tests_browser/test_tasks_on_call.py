"""What somebody on call does, as docs/tasks.md lists it: find the cause, take it on, run again, and ask who may."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Team, User
from executions.models import Execution, LogChunk, State
from executions.tests.test_page_list import make_run
from incidents import lifecycle
from incidents.lifecycle import Problem
from incidents.models import Incident
from jobs.changes.incidents import concerned
from jobs.models import Job
from jobs.tests.factories import make_job
from notifications.models import Notification
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOMORROW = (timezone.now() + dt.timedelta(days=1)).strftime("%Y-%m-%d")


def failed_last_night(job: Job) -> Execution:
    """A run with a log, and its incident."""
    now = timezone.now()
    run = make_run(job, state=State.FAILED, error="HTTP 500", started_at=now, finished_at=now, attempt=1)
    LogChunk.objects.create(execution=run, attempt=1, at=now, text="connecting\nERROR: too many clients\n")
    found = Problem(Incident.Kind.FAILING, str(job.uid), now, concerned(job), run=run.uid, error="HTTP 500")
    lifecycle.report_problem(found, now)
    return run


@pytest.mark.parametrize("javascript", [True, False])
def test_find_why_last_nights_run_failed(visit: Visit, uma: User, javascript: bool) -> None:
    run = failed_last_night(make_job(uma, name="nightly"))
    page = visit(uma, javascript=javascript).page
    page.click("text=nightly: failing")
    page.click("dt:has-text('First run') + dd a")
    page.wait_for_url(f"**/executions/{run.uid}")
    page.wait_for_selector(".notice.bad >> text=HTTP 500")
    page.wait_for_selector("#L2.error, #L2 >> text=too many clients")


def test_acknowledge_and_snooze_until_tomorrow_by_keys_alone(visit: Visit, uma: User) -> None:
    failed_last_night(make_job(uma, name="nightly"))
    visitor = visit(uma, zone="Asia/Tokyo")
    page = visitor.page
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message >> text=The incident is acknowledged")
    assert page.url == f"{visitor.server}/"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2 >> text=Actions")
    page.fill("[name=until]", f"{TOMORROW}T08:00")
    page.press("[name=until]", "Enter")
    page.wait_for_selector("text=The incident is snoozed.")
    until = Incident.objects.get().snoozed_until
    assert until == dt.datetime.fromisoformat(f"{TOMORROW}T08:00+09:00")


def test_run_again_with_other_parameters(visit: Visit, uma: User) -> None:
    job = make_job(uma, metadata={"day": "2026-03-01"})
    run = make_run(job, state=State.FAILED)
    visitor = visit(uma)
    visitor.open(f"/executions/{run.uid}")
    visitor.page.click("#again-with")
    visitor.page.fill("[name=metadata]", '{"day": "2026-03-02"}')
    visitor.page.click("main form button.primary")
    visitor.page.wait_for_selector(".badge.queued")
    again = Execution.objects.exclude(pk=run.pk).get()
    assert again.full_definition["metadata"] == {"day": "2026-03-02"}


@pytest.mark.parametrize("javascript", [True, False])
def test_cancel_a_run_that_hangs(visit: Visit, uma: User, javascript: bool) -> None:
    run = make_run(make_job(uma), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    visitor = visit(uma, javascript=javascript)
    visitor.open(f"/executions/{run.uid}")
    visitor.page.click("#stop")
    visitor.page.wait_for_selector("text=The run is being cancelled.")
    run.refresh_from_db()
    assert run.stop_requested_at is not None


def test_read_whom_to_ask_about_a_job(visit: Visit, uma: User, vic: User) -> None:
    team = Team.objects.create(name="Night shift")
    team.members.add(uma)
    job = make_job(uma, name="nightly", team=team.pk)
    visitor = visit(vic, width=360)
    visitor.open(f"/jobs/{job.uid}")
    visitor.page.wait_for_selector("text=Ask uma or team Night shift.")
    visitor.page.click("dd >> text=Night shift")
    visitor.page.wait_for_selector("#members >> text=Members")
    visitor.page.wait_for_selector(".names >> text=uma")


def test_read_messages_by_keys(visit: Visit, uma: User) -> None:
    for title in ("older", "newer"):
        Notification.objects.create(user=uma, title=title, message="m", created_at=timezone.now())
    visitor = visit(uma)
    visitor.open("/notifications")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("x")
    visitor.page.wait_for_selector("li.unread", state="attached")
    assert list(Notification.objects.filter(is_read=True).values_list("title", flat=True)) == ["older"]
