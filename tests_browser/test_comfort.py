"""What a page does for those who use it all day: it says when their session has ended, and is pressed once."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from accounts.models import User
from jobs.tests.factories import make_job
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_session_that_has_ended_is_told_of_and_nothing_is_lost(visit: Visit, uma: User) -> None:
    make_job(uma, name="alpha")
    visitor = visit(uma)
    page = visitor.page
    visitor.open("/jobs")
    page.check("tr:has-text('alpha') input[name=job]")
    Session.objects.all().delete()
    page.click(".tabs a:has-text('Mine')")
    dialog = page.locator("#session-ended")
    dialog.get_by_text("Nothing is lost").wait_for()
    assert dialog.get_by_role("link", name="Log in").get_attribute("href") == "/login?next=%2Fjobs"
    dialog.get_by_role("button", name="Close").click()
    page.locator("text=This page is not updated any more.").wait_for()
    assert page.is_checked("tr:has-text('alpha') input[name=job]")


def test_a_button_is_pressed_once_and_says_what_it_does(visit: Visit, uma: User) -> None:
    visitor = visit(uma)
    page = visitor.page
    visitor.open("/password")
    # An answer that leaves the page as it is.
    page.route("**/password", lambda route: route.fulfill(status=204))
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    page.click("main form button")
    page.wait_for_selector("main form button[disabled]:has-text('Saving…')")
    page.wait_for_selector("#busy:not([hidden])", state="attached")


def test_the_palette_leads_to_pages_and_jobs_by_keys_alone(visit: Visit, uma: User) -> None:
    make_job(uma, name="nightly <b>backup</b>")
    visitor = visit(uma)
    page = visitor.page
    page.keyboard.press("Control+k")
    page.keyboard.type("backup")
    page.wait_for_selector("#palette li.job:has-text('nightly <b>backup</b>')")
    assert page.get_attribute("#palette li.job", "aria-selected") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('nightly')")
    # The scripts of a page come after its text.
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert page.is_hidden("#palette")
