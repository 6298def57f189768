"""What was typed into the job form and not saved is offered again; the schedule builder writes into the form."""

from __future__ import annotations

import pytest

from accounts.models import User
from jobs.models import Job
from scheduler_site.tests.processes import eventually
from tests_browser.conftest import Visit
from tests_browser.ways import ways

KEYS = "Object.keys(sessionStorage).filter(key => key.startsWith('belfry-draft:')).length"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@ways("KP")
def test_a_draft_is_offered_again_without_its_secrets_and_is_gone_once_saved(
    visit: Visit, uma: User, way: str
) -> None:
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    page.on("dialog", lambda dialog: dialog.accept())
    visitor.open("/jobs/new?kind=webhook")
    hand.write("[name=name]", "nightly")
    hand.write("[name=options-target_url]", "https://1.1.1.1/hook")
    hand.choose("[name=build-rhythm]", "every day")
    assert eventually(lambda: page.input_value("[name=expression]") == "0 8 * * *", 20)
    hand.press("summary >> text=Parameters and secrets")
    hand.write("[name=secrets]", "token=c4nary")
    assert eventually(lambda: page.evaluate(KEYS) == 1, 20)
    page.wait_for_timeout(500)
    assert "c4nary" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    visitor.open("/help")
    visitor.open("/jobs/new?kind=webhook")
    hand.press("[data-restore]")
    assert page.input_value("[name=name]") == "nightly"
    assert page.input_value("[name=expression]") == "0 8 * * *"
    assert page.input_value("[name=secrets]") == ""
    hand.press(".job-form > .actions button")
    page.wait_for_selector("h1 >> text=nightly")
    assert eventually(lambda: page.evaluate(KEYS) == 0, 20)
    assert Job.objects.get().timing.expression == "0 8 * * *"
