"""On a network that takes 1.5 seconds for each answer: a button shows that it was pressed, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Request

from accounts.models import User
from conftest import PASSWORD
from executions.models import BulkAction, Execution
from incidents.models import Incident
from incidents.tests.factories import concerned, fail
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.lib import clock
from tests_browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# Three presses: two at once, one a little later; and what the button is like then. The answer is still on its way.
PRESS = """async button => {
  button.click();
  button.click();
  await new Promise(done => setTimeout(done, 500));
  button.click();
  return [button.disabled, button.textContent.trim(), !document.getElementById("busy").hidden];
}"""


@contextmanager
def pressed_once(visitor: Visitor, button: str, says: str = "") -> Iterator[None]:
    """However often a button is pressed, one form is sent; until its answer comes the page says that it was pressed."""
    page, sent = visitor.page, list[str]()

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    page.on("request", note)
    disabled, text, busy = page.locator(button).first.evaluate(PRESS)
    assert (disabled, busy) == (True, True)
    assert says in text
    yield
    page.remove_listener("request", note)
    assert len(sent) == 1, sent


def test_a_job_is_run_once(visit: Visit, uma: User) -> None:
    job = make_job(uma, name="nightly")
    visitor = visit(uma, "S")
    visitor.open(f"/jobs/{job.uid}/run")
    with pressed_once(visitor, "main form button.primary", "Starting…"):
        visitor.page.wait_for_url("**/executions/**")
    assert Execution.objects.count() == 1


def test_a_job_is_run_once_from_the_list(visit: Visit, uma: User) -> None:
    make_job(uma, name="nightly")
    visitor = visit(uma, "S")
    visitor.open("/jobs")
    with pressed_once(visitor, "td.verbs button.mini"):
        visitor.page.wait_for_selector(".message")
    assert Execution.objects.count() == 1


def test_an_incident_is_acknowledged_once(visit: Visit, uma: User) -> None:
    fail(clock.now(), concerned(uma))
    visitor = visit(uma, "S")
    visitor.open("/")
    with pressed_once(visitor, ".lines form button.small"):
        visitor.page.wait_for_selector(".message >> text=The incident is acknowledged")
    assert Incident.objects.get().acknowledged_by == uma


def test_many_jobs_are_paused_once(visit: Visit, uma: User) -> None:
    for name in ("alpha", "beta"):
        make_job(uma, name=name)
    visitor = visit(uma, "S")
    visitor.open("/jobs")
    visitor.page.check("#mark-all")
    with pressed_once(visitor, ".bulk button[value=pause]"):
        visitor.page.wait_for_selector("button[name=go]")
    with pressed_once(visitor, "button[name=go]", "Starting…"):
        visitor.page.wait_for_selector("text=All done.")
    assert (BulkAction.objects.count(), Job.objects.paused().count()) == (1, 2)


def test_a_job_is_saved_once(visit: Visit, uma: User) -> None:
    visitor = visit(uma, "S")
    visitor.open("/jobs/new?kind=webhook")
    visitor.page.fill("[name=name]", "nightly")
    visitor.page.fill("[name=options-target_url]", "https://1.1.1.1/hook")
    visitor.page.fill("[name=expression]", "30 2 * * *")
    with pressed_once(visitor, ".job-form > .actions button.primary", "Saving…"):
        visitor.page.wait_for_selector("h1 >> text=nightly")
    assert Job.objects.count() == 1


def test_somebody_logs_in_once(visit: Visit, uma: User) -> None:
    visitor = visit(None, "S")
    visitor.open("/login")
    visitor.page.fill("[name=username]", uma.username)
    visitor.page.fill("[name=password]", PASSWORD)
    with pressed_once(visitor, "main form button.primary", "Logging in…"):
        visitor.page.wait_for_url(f"{visitor.server}/")
    assert uma.logins.count() == 1
