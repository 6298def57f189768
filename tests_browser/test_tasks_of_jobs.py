"""What somebody who keeps jobs does, as docs/tasks.md lists it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Team, User
from jobs.models import Job, Pause
from jobs.tests.factories import make_job
from scheduler_site.tests.processes import eventually
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def next_monday() -> dt.date:
    today = timezone.now().date()
    return today + dt.timedelta(days=7 - today.weekday())


@pytest.mark.parametrize("javascript", [True, False])
def test_pause_all_jobs_of_a_team_until_monday(visit: Visit, uma: User, javascript: bool) -> None:
    team = Team.objects.create(name="Night shift")
    for name in ("alpha", "beta"):
        make_job(uma, name=name, team=team.pk)
    make_job(uma, name="gamma")
    visitor = visit(uma, javascript=javascript, zone="UTC")
    page = visitor.page
    visitor.open('/jobs?q=team:"Night shift"')
    page.check("#mark-all")
    page.click(".bulk button[value=pause]")
    page.fill("[name=until]", f"{next_monday()}T08:00")
    page.fill("[name=reason]", "holidays")
    page.click("button[name=go]")
    page.wait_for_selector("text=All done.")
    assert set(Job.objects.paused().values_list("name", flat=True)) == {"alpha", "beta"}
    # Without JavaScript the page does not learn the reader's zone, and names the scheduler's.
    zone = ZoneInfo("UTC" if javascript else settings.SCHEDULER_TIMEZONE)
    until = {pause.until.astimezone(zone) for pause in Pause.objects.all() if pause.until}
    assert {(time.date(), time.hour) for time in until} == {(next_monday(), 8)}


def test_make_a_job_for_every_weekday_at_0830_in_berlin_on_a_slow_network(visit: Visit, uma: User) -> None:
    visitor = visit(uma, latency=1500, zone="Europe/Berlin")
    page = visitor.page
    visitor.open("/jobs/new?kind=webhook")
    page.fill("[name=name]", "report")
    page.fill("[name=options-target_url]", "https://1.1.1.1/hook")
    assert page.input_value("[name=timezone]") == "Europe/Berlin"
    page.select_option("[name=build-rhythm]", "weekly")
    for day in ("1", "2", "3", "4", "5"):
        page.check(f"[name=build-weekdays][value='{day}']")
    page.fill("[name=build-time]", "08:30")
    page.press("[name=build-time]", "Tab")
    assert eventually(lambda: page.input_value("[name=expression]").startswith("30 8 * * "), 30)
    page.wait_for_selector("#preview >> text=08:30")
    page.click(".job-form > .actions button")
    page.wait_for_selector("h1 >> text=report")
    timing = Job.objects.get().timing
    assert (timing.expression, timing.timezone) == ("30 8 * * mon-fri", "Europe/Berlin")


def test_change_a_schedule_and_take_it_back(visit: Visit, uma: User) -> None:
    job = make_job(uma, name="nightly", expression="0 2 * * *")
    visitor = visit(uma)
    page = visitor.page
    visitor.open(f"/jobs/{job.uid}/edit")
    page.fill("[name=expression]", "0 5 * * *")
    page.wait_for_selector("#preview >> text=05:00")
    page.click(".job-form > .actions button")
    page.click("button >> text=Undo")
    page.wait_for_selector("h1 >> text=nightly")
    assert eventually(lambda: Job.objects.get().timing.expression == "0 2 * * *", 20)
