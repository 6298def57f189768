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
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def next_monday() -> dt.date:
    today = timezone.now().date()
    return today + dt.timedelta(days=7 - today.weekday())


@ways("NKP")
def test_pause_all_jobs_of_a_team_until_monday(visit: Visit, uma: User, way: str) -> None:
    team = Team.objects.create(name="Night shift")
    for name in ("alpha", "beta"):
        make_job(uma, name=name, team=team.pk)
    make_job(uma, name="gamma")
    visitor = visit(uma, way, zone="UTC")
    page, hand = visitor.page, visitor.hand
    visitor.open('/jobs?q=team:"Night shift"')
    hand.mark("#mark-all")
    hand.press(".bulk button[value=pause]")
    hand.write("[name=until]", f"{next_monday()}T08:00")
    hand.write("[name=reason]", "holidays")
    hand.press("button[name=go]")
    page.wait_for_selector("text=All done.")
    assert set(Job.objects.paused().values_list("name", flat=True)) == {"alpha", "beta"}
    # Without JavaScript the page does not learn the reader's zone, and names the scheduler's.
    zone = ZoneInfo(settings.SCHEDULER_TIMEZONE if way == "N" else "UTC")
    until = {pause.until.astimezone(zone) for pause in Pause.objects.all() if pause.until}
    assert {(time.date(), time.hour) for time in until} == {(next_monday(), 8)}


@ways("NKPS")
def test_make_a_job_for_every_weekday_at_0830_in_berlin(visit: Visit, uma: User, way: str) -> None:
    visitor = visit(uma, way, zone="Europe/Berlin")
    page, hand = visitor.page, visitor.hand
    visitor.open("/jobs/new?kind=webhook")
    hand.write("[name=name]", "report")
    hand.write("[name=options-target_url]", "https://1.1.1.1/hook")
    if way == "N":
        # Nobody has told the page where its reader is.
        hand.write("[name=timezone]", "Europe/Berlin")
    assert page.input_value("[name=timezone]") == "Europe/Berlin"
    hand.choose("[name=build-rhythm]", "on weekdays")
    if way == "N":
        hand.press("button[name=build]")
    for day in ("1", "2", "3", "4", "5"):
        hand.mark(f"[name=build-weekdays][value='{day}']")
    hand.write("[name=build-time]", "08:30")
    if way == "N":
        hand.press("button[name=build]")
    else:
        page.press("[name=build-time]", "Tab")
    assert eventually(lambda: page.input_value("[name=expression]").startswith("30 8 * * "), 30)
    page.wait_for_selector("#preview >> text=08:30")
    hand.press(".job-form > .actions button")
    page.wait_for_selector("h1 >> text=report")
    timing = Job.objects.get().timing
    assert (timing.expression, timing.timezone) == ("30 8 * * mon-fri", "Europe/Berlin")


@ways("NKP")
def test_change_a_schedule_and_take_it_back(visit: Visit, uma: User, way: str) -> None:
    job = make_job(uma, name="nightly", expression="0 2 * * *")
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    visitor.open(f"/jobs/{job.uid}/edit")
    hand.write("[name=expression]", "0 5 * * *")
    if way == "N":
        hand.press("button[name=preview]")
    page.wait_for_selector("#preview >> text=05:00")
    hand.press(".job-form > .actions button")
    hand.press("button >> text=Undo")
    page.wait_for_selector("h1 >> text=nightly")
    assert eventually(lambda: Job.objects.get().timing.expression == "0 2 * * *", 20)
