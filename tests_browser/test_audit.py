"""The audit trail in a browser: it is narrowed, unfolded, compared and restored, on narrow screens too."""

from __future__ import annotations

import pytest

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.verbs import JobChanges
from tests_browser.conftest import Visit
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = {f"key-{number}": "value " * 20 for number in range(12)}


def changed(user: User) -> Job:
    job = make_job(user, name="nightly", metadata=LONG | {"x" * 90: "y" * 300})
    values = {
        "timeout": 60,
        "metadata": LONG | {"key-3": "other"},
        "name": "a-name-without-any-place-to-break-" * 5,
    }
    verbs.update(job, JobChanges(values), by=Actor(user, "api", "10.0.0.9", "op-7"))
    verbs.pause(job, by=Actor(user, "page"), reason="a reason " * 20)
    return Job.objects.get(pk=job.pk)


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_of_it_is_wider_than_a_small_phone(visit: Visit, ada: User, dark: bool) -> None:
    job = changed(ada)
    visitor = visit(ada, width=360, dark=dark)
    for path in ("/audit", f"/jobs/{job.uid}", f"/jobs/{job.uid}/history", f"/jobs/{job.uid}/versions"):
        visitor.open(path)
        visitor.page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path


@ways("NKP")
def test_a_version_is_compared_and_restored(visit: Visit, uma: User, way: str) -> None:
    job = changed(uma)
    visitor = visit(uma, way)
    page, hand = visitor.page, visitor.hand
    visitor.open(f"/jobs/{job.uid}")
    hand.press("section:has(h2:text('History')) >> text=View full history")
    hand.press("text=Compare versions")
    page.wait_for_selector("h2 >> text=Version 1 and version 2")
    assert page.locator("tr:has(code:text-is('timeout')) .new").inner_text().strip() == "60"
    hand.press("button >> text=Restore version 1")
    page.wait_for_selector("text=Version 1 has been restored.")
    assert Job.objects.get().name == "nightly"


@ways("NKP")
def test_the_trail_is_narrowed_to_one_person(visit: Visit, ada: User, uma: User, way: str) -> None:
    changed(uma)
    visitor = visit(ada, way)
    visitor.open("/audit")
    visitor.hand.write("[name=person]", "uma")
    visitor.hand.press("form.filters button")
    visitor.page.wait_for_url("**person=uma**")
    assert visitor.page.locator(".trail > li").count() == Entry.objects.filter(actor_name="uma").count()
