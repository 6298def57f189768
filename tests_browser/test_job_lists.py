"""The list of jobs: many changed at once, and the list that asks for itself again."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import Job
from jobs.tests.factories import make_job
from tests_browser.conftest import Visit
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@ways("NKPS")
def test_marked_jobs_are_paused_after_a_preview(visit: Visit, uma: User, way: str) -> None:
    for name in ("alpha", "beta", "gamma"):
        make_job(uma, name=name)
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    visitor.open("/jobs")
    hand.mark("tr:has-text('alpha') input")
    hand.mark("tr:has-text('gamma') input")
    if way != "N":
        page.wait_for_selector("text=2 jobs marked")
    hand.press(".bulk button[value=pause]")
    hand.write("[name=reason]", "moving")
    hand.press("button[name=go]")
    page.wait_for_selector("text=All done.")
    assert set(Job.objects.paused().values_list("name", flat=True)) == {"alpha", "gamma"}


def test_the_list_follows_what_is_typed_and_keeps_marks_and_the_way_back(visit: Visit, uma: User) -> None:
    for name in ("alpha", "beta"):
        make_job(uma, name=name)
    visitor = visit(uma)
    page = visitor.page
    visitor.open("/jobs")
    page.check("tr:has-text('alpha') input")
    page.fill("[name=q]", "beta")
    page.wait_for_url("**/jobs?q=beta")
    page.wait_for_selector("tr:has-text('alpha')", state="detached")
    page.wait_for_selector("text=1 job marked")
    page.go_back()
    page.wait_for_selector("tr:has-text('alpha')")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "alpha"
    # It is marked still; the key takes the mark away.
    page.wait_for_selector("text=1 job marked")
    page.keyboard.press("x")
    page.wait_for_selector("text=1 job marked", state="detached")
