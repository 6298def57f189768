"""What an administrator does, as docs/tasks.md lists it: people come and go, and alerts need a destination."""

from __future__ import annotations

import pytest

from accounts.models import Team, User
from jobs.models import Job
from jobs.tests.factories import make_job
from notifications.models import Destination
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("javascript", [True, False])
def test_hand_over_a_leavers_jobs_and_deactivate_the_account(
    visit: Visit, ada: User, uma: User, javascript: bool
) -> None:
    heir = User.objects.create_user("lea", "lea@example.com", "x", role="user")
    for name in ("alpha", "beta"):
        make_job(uma, name=name)
    visitor = visit(ada, javascript=javascript)
    page = visitor.page
    visitor.open("/people")
    page.click("td.name >> text=uma")
    page.click("text=Deactivate or delete…")
    page.wait_for_selector(".names >> text=beta")
    page.click("text=Hand over to a person…")
    page.select_option("[name=owner]", label="lea")
    page.click("button[name=go]")
    page.wait_for_selector("text=All done.")
    assert Job.objects.filter(owner=heir).count() == 2
    visitor.open(f"/people/users/{uma.uid}/leave")
    page.click("form button >> text=Deactivate")
    page.wait_for_selector("text=can no longer log in.")
    assert not User.objects.get(pk=uma.pk).is_active


def test_let_somebody_in_and_put_him_into_a_team(visit: Visit, ada: User) -> None:
    team = Team.objects.create(name="Night shift")
    visitor = visit(ada, width=360, dark=True)
    page = visitor.page
    visitor.open("/people")
    page.click("text=New user")
    page.fill("[name=username]", "nora")
    page.fill("[name=password]", "a-long-horse-3")
    page.select_option("[name=role]", "user")
    page.click("main form button.primary")
    page.wait_for_selector("h1 >> text=nora")
    visitor.open(f"/people/teams/{team.uid}/edit")
    page.check("label:has-text('nora') input")
    page.click("main form button.primary")
    page.wait_for_selector(".names >> text=nora")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_set_up_a_pager_and_see_that_its_key_is_set(visit: Visit, ada: User) -> None:
    visitor = visit(ada)
    page = visitor.page
    visitor.open("/settings/destinations/new/pagerduty")
    page.fill("[name=name]", "Pager")
    page.fill("[name=settings_routing_key]", "k" * 32)
    page.click("main form button.primary")
    page.wait_for_selector("h1 >> text=Pager")
    visitor.open("/settings/destinations")
    page.wait_for_selector("text=Integration key: set")
    assert "k" * 32 not in page.content()
    assert Destination.objects.count() == 1
