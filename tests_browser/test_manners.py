"""How the pages behave in a browser: keyboard, theme, live parts, narrow screens."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import User
from executions.models import Execution, LogChunk, State
from executions.tests.test_page_list import make_run
from jobs.tests.factories import make_job
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_keyboard_finds_search_and_shortcuts(visit: Visit, uma: User) -> None:
    visitor = visit(uma)
    visitor.open("/jobs")
    visitor.page.keyboard.press("/")
    assert visitor.page.evaluate("document.activeElement.name") == "q"
    visitor.page.evaluate("document.activeElement.blur()")
    visitor.page.keyboard.press("?")
    visitor.page.wait_for_selector("#shortcuts[open]")
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("e")
    visitor.page.wait_for_url("**/executions")


def test_the_theme_is_remembered(visit: Visit, uma: User) -> None:
    visitor = visit(uma)
    visitor.page.click("#theme")
    visitor.open("/jobs")
    assert visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_profile_leads_back_to_the_colors_of_the_system(visit: Visit, uma: User) -> None:
    visitor = visit(uma)
    visitor.open("/profile")
    page = visitor.page
    page.check("#themes input[value=dark]")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    visitor.open("/profile")
    assert page.is_checked("#themes input[value=dark]")
    page.check("#themes input[value='']")
    visitor.open("/profile")
    assert page.evaluate("document.documentElement.dataset.theme || ''") == ""
    assert page.is_checked("#themes input[value='']")


def test_a_run_is_followed_to_its_end(visit: Visit, uma: User) -> None:
    run = make_run(make_job(uma), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    visitor = visit(uma)
    visitor.open(f"/executions/{run.uid}")
    LogChunk.objects.create(execution=run, attempt=1, at=timezone.now(), text="<b>a line</b>")
    visitor.page.wait_for_selector("#log >> text=<b>a line</b>")
    Execution.objects.update(state=State.SUCCESS, finished_at=timezone.now(), duration=1.5)
    visitor.page.wait_for_selector(".badge.success")
    visitor.page.wait_for_selector("#log [hx-get]", state="detached")


def test_a_viewer_learns_the_time_of_its_own_zone(visit: Visit, uma: User) -> None:
    make_job(uma, due="2030-01-01 00:00")
    visitor = visit(uma)
    visitor.open("/jobs")
    title = visitor.page.locator("td time").first.get_attribute("title")
    assert title is not None
    assert title.startswith("2030-01-01 00:00:00 UTC\n")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_small_phone(visit: Visit, ada: User, dark: bool) -> None:
    job = make_job(ada, name="a-name-without-any-place-to-break-" * 5, metadata={"k" * 90: "v" * 300})
    run = make_run(job, state=State.FAILED, error="x" * 400)
    visitor = visit(ada, width=360, dark=dark)
    paths = ["/", "/jobs", "/jobs/new", "/jobs/new?kind=webhook", "/executions", f"/executions/{run.uid}"]
    paths += [f"/jobs/{job.uid}{page}" for page in ("", "/edit", "/pause", "/run", "/delete")]
    for path in paths:
        visitor.open(path)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path
