"""The button "Test" of the job form: it asks the target once and saves nothing."""

from __future__ import annotations

import html
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from jobs import test_run
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries
from jobs.tests.running import Answer, Receiver

pytest_plugins = ["jobs.tests.webhooks"]
pytestmark = pytest.mark.django_db


def page(user: User, path: str, values: dict[str, Any]) -> str:
    answer = browser(user).post(path, values | {"test": "1"})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_request_goes_out_as_it_is_entered(uma: User, receiver: Receiver) -> None:
    receiver.answers["/x"] = Answer(status=418)
    values = entries(name="", options_target_url=receiver.url("/x"), **{"options-method": "PUT"})
    shown = page(uma, "/jobs/new", values | {"metadata": '{"a": 1}', "secrets": "signing_key=k"})
    assert "Webhook returned status 418" in shown
    assert "This field is required" not in shown
    request = receiver.received[0]
    assert (request.method, request.body) == ("PUT", b'{"a": 1}')
    assert "X-Belfry-Signature" in request.headers
    assert not Job.objects.exists()


def test_a_change_can_be_tried_before_it_is_saved_without_the_stored_secrets(
    uma: User, receiver: Receiver
) -> None:
    job = make_job(uma, name="nightly", secrets={"signing_key": "stored"})
    before = Entry.objects.count()
    shown = page(uma, f"/jobs/{job.uid}/edit", edits(job, options_target_url=receiver.url("/y")))
    assert "The webhook answered with status 200." in shown
    assert receiver.received[0].path == "/y"
    assert "X-Belfry-Signature" not in receiver.received[0].headers
    assert Job.objects.get().options == job.options
    assert Entry.objects.count() == before


def test_what_is_wrong_with_the_target_is_said_instead(uma: User) -> None:
    assert "private or reserved" in page(uma, "/jobs/new", entries(options_target_url="http://127.0.0.1/"))
    assert "JSON" in page(uma, "/jobs/new", entries(metadata="[1]"))


def test_a_workflow_is_started_on_its_branch(
    uma: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.GITHUB_TOKEN = "shared"
    asked: list[Any] = []

    async def probe(*arguments: Any) -> tuple[bool, int | None, str]:
        asked.append(arguments)
        return True, 204, "Accepted"

    monkeypatch.setattr(test_run, "probe", probe)
    github = {"options-owner": "acme", "options-repo": "app", "options-workflow": "ci.yml"}
    values = entries(kind="github_actions", **github) | {"metadata": '{"branchDetails": "dev"}'}
    assert "Accepted" in page(uma, "/jobs/new", values)
    assert asked == [("acme", "app", "ci.yml", "dev", {"branchDetails": "dev"}, "shared", 10.0)]


def test_code_is_not_tried(ada: User) -> None:
    shown = page(ada, "/jobs/new", entries(kind="python_class"))
    assert 'name="test"' not in shown


def test_only_who_may_change_a_job_may_try_it(uma: User, vic: User, ada: User) -> None:
    job = make_job(ada, name="nightly")
    for user in (uma, vic):
        assert browser(user).post(f"/jobs/{job.uid}/edit", edits(job) | {"test": "1"}).status_code == 403
    assert browser(vic).post("/jobs/new", entries() | {"test": "1"}).status_code == 403
