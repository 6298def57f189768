"""A job's life on the pages, with and without JavaScript."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import Job
from tests_browser.conftest import Visit, Visitor
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fill_in(visitor: Visitor) -> None:
    visitor.open("/jobs/new")
    visitor.hand.press("text=Webhook")
    visitor.hand.write("[name=name]", "nightly")
    visitor.hand.write("[name=options-target_url]", "https://1.1.1.1/hook")
    visitor.hand.write("[name=timezone]", "Europe/Berlin")
    visitor.hand.write("[name=expression]", "30 2 * * *")


@ways("NKP")
def test_a_job_is_made_previewed_paused_resumed_and_deleted(visit: Visit, uma: User, way: str) -> None:
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    fill_in(visitor)
    if way == "N":
        hand.press("button[name=preview]")
    page.wait_for_selector("#preview >> text=At 02:30 (Europe/Berlin)")
    assert page.locator("#preview li").count() == 10
    hand.press(".job-form > .actions button")
    page.wait_for_selector("h1 >> text=nightly")
    hand.press("a >> text=Pause")
    hand.write("[name=reason]", "maintenance")
    hand.press("form.form button.primary")
    page.wait_for_selector(".notice >> text=maintenance")
    hand.press("button >> text=Resume")
    page.wait_for_selector(".badge.active")
    hand.press("a >> text=Delete")
    hand.press("form.form button.danger")
    page.wait_for_url(f"{visitor.server}/jobs")
    assert not Job.objects.exists()


def test_return_in_a_field_saves_rather_than_previews(visit: Visit, uma: User) -> None:
    visitor = visit(uma, javascript=False)
    fill_in(visitor)
    visitor.page.press("[name=name]", "Enter")
    visitor.page.wait_for_selector("h1 >> text=nightly")
    assert Job.objects.get().name == "nightly"


def test_the_preview_follows_what_is_typed(visit: Visit, uma: User) -> None:
    visitor = visit(uma)
    fill_in(visitor)
    visitor.page.fill("[name=expression]", "61 * * * *")
    visitor.page.wait_for_selector("#preview .error")
    visitor.page.select_option("[name=schedule_kind]", "interval")
    assert not visitor.page.is_visible("[name=expression]")
    visitor.page.fill("[name=every]", "15")
    visitor.page.wait_for_selector("#preview >> text=Every 15 minutes")
