"""What an administrator does, as docs/tasks.md lists it: people come and go, and alerts need a destination."""

from __future__ import annotations

import pytest

from accounts.models import Team, User
from jobs.models import Job
from jobs.tests.factories import make_job
from notifications.models import Destination
from tests_browser.conftest import Visit
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@ways("NKP")
def test_hand_over_a_leavers_jobs_and_deactivate_the_account(
    visit: Visit, ada: User, uma: User, way: str
) -> None:
    heir = User.objects.create_user("lea", "lea@example.com", "x", role="user")
    team = Team.objects.create(name="Night shift")
    for name in ("alpha", "beta"):
        make_job(uma, name=name)
    visitor = visit(ada, way)
    page, hand = visitor.page, visitor.hand
    visitor.open("/people")
    hand.press("td.name >> text=uma")
    hand.press("text=Deactivate or delete…")
    page.wait_for_selector(".names >> text=beta")
    hand.press("text=Hand over to a person…")
    hand.choose("[name=owner]", "lea")
    hand.choose("[name=team]", "Night shift")
    hand.press("button[name=go]")
    page.wait_for_selector("text=All done.")
    assert Job.objects.filter(owner=heir, team=team).count() == 2
    visitor.open(f"/people/users/{uma.uid}/leave")
    hand.press("form button >> text=Deactivate")
    page.wait_for_selector("text=can no longer log in.")
    assert not User.objects.get(pk=uma.pk).is_active


@ways("NKP")
def test_let_somebody_in_and_put_him_into_a_team(visit: Visit, ada: User, way: str) -> None:
    Team.objects.create(name="Night shift")
    visitor = visit(ada, way)
    page, hand = visitor.page, visitor.hand
    visitor.open("/people")
    hand.press("text=New user")
    hand.write("[name=username]", "nora")
    hand.write("[name=password]", "a-long-horse-3")
    hand.choose("[name=role]", "user")
    hand.press("main form button.primary")
    page.wait_for_selector("h1 >> text=nora")
    hand.press(".tabs a:has-text('Teams')")
    hand.press("td.name >> text=Night shift")
    hand.press(".head a:has-text('Edit')")
    hand.mark("label:has-text('nora') input")
    hand.press("main form button.primary")
    page.wait_for_selector(".names >> text=nora")
    assert page.evaluate("document.documentElement.scrollWidth") <= (360 if way == "P" else 1280)


@ways("NKP")
def test_set_up_a_pager_and_see_that_its_key_is_set(visit: Visit, ada: User, way: str) -> None:
    visitor = visit(ada, way)
    page, hand = visitor.page, visitor.hand
    visitor.open("/settings/destinations")
    hand.press("a:has-text('PagerDuty')")
    hand.write("[name=name]", "Pager")
    hand.write("[name=settings_routing_key]", "k" * 32)
    hand.press("main form button.primary")
    page.wait_for_selector("h1 >> text=Pager")
    visitor.open("/settings/destinations")
    page.wait_for_selector("text=Integration key: set")
    assert "k" * 32 not in page.content()
    assert Destination.objects.count() == 1
