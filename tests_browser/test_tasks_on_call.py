"""What somebody on call does, as docs/tasks.md lists it: find the cause, take it on, run again, and ask who may."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
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
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOMORROW = (timezone.now().astimezone(ZoneInfo("Asia/Tokyo")) + dt.timedelta(days=1)).strftime("%Y-%m-%d")


def failed_last_night(job: Job) -> Execution:
    """A run with a log, and its incident."""
    now = timezone.now()
    run = make_run(job, state=State.FAILED, error="HTTP 500", started_at=now, finished_at=now, attempt=1)
    LogChunk.objects.create(execution=run, attempt=1, at=now, text="connecting\nERROR: too many clients\n")
    found = Problem(Incident.Kind.FAILING, str(job.uid), now, concerned(job), run=run.uid, error="HTTP 500")
    lifecycle.report_problem(found, now)
    return run


@ways("NKP")
def test_find_why_last_nights_run_failed(visit: Visit, uma: User, way: str) -> None:
    run = failed_last_night(make_job(uma, name="nightly"))
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    hand.press("text=nightly: failing")
    hand.press("dt:has-text('First run') + dd a")
    page.wait_for_url(f"**/executions/{run.uid}")
    page.wait_for_selector(".notice.bad >> text=HTTP 500")
    page.wait_for_selector("#L2.error, #L2 >> text=too many clients")


@ways("NPS")
def test_acknowledge_an_incident_and_snooze_it_until_tomorrow(visit: Visit, uma: User, way: str) -> None:
    failed_last_night(make_job(uma, name="nightly"))
    visitor = visit(uma, way, zone="Asia/Tokyo")
    page, hand = visitor.page, visitor.hand
    hand.press("button:has-text('Acknowledge')")
    page.wait_for_selector(".message >> text=The incident is acknowledged")
    assert page.url == f"{visitor.server}/"
    hand.press("text=nightly: failing")
    hand.write("[name=until]", f"{TOMORROW}T08:00")
    hand.press("button:has-text('Snooze')")
    page.wait_for_selector("text=The incident is snoozed.")
    # Without JavaScript the page does not learn the reader's zone, and names the scheduler's, which is the same here.
    assert settings.SCHEDULER_TIMEZONE == "Asia/Tokyo"
    assert Incident.objects.get().snoozed_until == dt.datetime.fromisoformat(f"{TOMORROW}T08:00+09:00")


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


@ways("NKPS")
def test_run_again_with_other_parameters(visit: Visit, uma: User, way: str) -> None:
    job = make_job(uma, metadata={"day": "2026-03-01"})
    run = make_run(job, state=State.FAILED)
    visitor = visit(uma, way)
    visitor.open(f"/executions/{run.uid}")
    visitor.hand.press("#again-with")
    visitor.hand.write("[name=metadata]", '{"day": "2026-03-02"}')
    visitor.hand.press("main form button.primary")
    visitor.page.wait_for_selector(".badge.queued")
    again = Execution.objects.exclude(pk=run.pk).get()
    assert again.full_definition["metadata"] == {"day": "2026-03-02"}


@ways("NKPS")
def test_cancel_a_run_that_hangs(visit: Visit, uma: User, way: str) -> None:
    run = make_run(make_job(uma), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    visitor = visit(uma, way)
    visitor.open(f"/executions/{run.uid}")
    visitor.hand.press("#stop")
    visitor.page.wait_for_selector("text=The run is being cancelled.")
    run.refresh_from_db()
    assert run.stop_requested_at is not None


@ways("NKP")
def test_read_whom_to_ask_about_a_job(visit: Visit, uma: User, vic: User, way: str) -> None:
    team = Team.objects.create(name="Night shift")
    team.members.add(uma)
    make_job(uma, name="nightly", team=team.pk)
    visitor = visit(vic, way)
    visitor.open("/jobs")
    visitor.hand.press("a:has-text('nightly')")
    visitor.page.wait_for_selector("text=Ask uma or team Night shift.")
    visitor.hand.press("dd >> text=Night shift")
    visitor.page.wait_for_selector("#members >> text=Members")
    visitor.page.wait_for_selector(".names >> text=uma")


def test_read_messages_by_keys(visit: Visit, uma: User) -> None:
    told(uma, "older", "newer")
    visitor = visit(uma)
    visitor.open("/notifications")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("j")
    visitor.page.keyboard.press("x")
    visitor.page.wait_for_selector("li.unread", state="attached")
    assert read() == ["older"]


@ways("NKP")
def test_read_a_message_and_what_it_is_about(visit: Visit, uma: User, way: str) -> None:
    job = make_job(uma, name="nightly")
    told(uma, "older")
    told(uma, "newer", job=job)
    visitor = visit(uma, way)
    visitor.open("/notifications")
    visitor.hand.press("li:has-text('older') button:has-text('Mark as read')")
    visitor.page.wait_for_selector("li:has-text('older'):not(.unread)")
    visitor.hand.press("button:has-text('newer')")
    visitor.page.wait_for_selector("h1 >> text=nightly")
    assert read() == ["newer", "older"]


def told(user: User, *titles: str, job: Job | None = None) -> None:
    about = {"related_job_uid": job.uid} if job else {}
    for title in titles:
        Notification.objects.create(user=user, title=title, message="m", created_at=timezone.now(), **about)


def read() -> list[str]:
    rows = Notification.objects.filter(is_read=True).order_by("title")
    return list(rows.values_list("title", flat=True))
