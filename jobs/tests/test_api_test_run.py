"""POST /api/v2/jobs/test-run: a target is tried once; always 200 with what it said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from conftest import Api
from executions.models import Execution
from jobs import test_run
from jobs.models import Job
from jobs.tests.running import Answer, Receiver

pytest_plugins = ["jobs.tests.webhooks"]

URL = "/api/v2/jobs/test-run"
TRIO = {"github_owner": "acme", "github_repo": "app", "github_workflow_name": "ci.yml"}


def tried(api: Api, user: User, body: dict[str, Any]) -> dict[str, Any]:
    answer = api(user).post(URL, body, format="json")
    assert answer.status_code == 200, answer.json()
    assert not Job.objects.exists()
    assert not Execution.objects.exists()
    found: dict[str, Any] = answer.json()
    return found


def test_a_webhook_gets_the_metadata_and_its_answer_is_told(api: Api, uma: User, receiver: Receiver) -> None:
    found = tried(api, uma, {"target_url": receiver.url("/x"), "metadata": {"env": "qa"}, **TRIO})
    assert found == {
        "ok": True,
        "type": "webhook",
        "status_code": 200,
        "message": "The webhook answered with status 200.",
    }
    request = receiver.received[0]
    assert (request.method, json.loads(request.body)) == ("POST", {"env": "qa"})
    assert not Entry.objects.filter(object_type="job").exists()


def test_without_metadata_it_posts_an_empty_object(api: Api, uma: User, receiver: Receiver) -> None:
    tried(api, uma, {"target_url": receiver.url(), "metadata": None})
    assert (receiver.received[0].method, receiver.received[0].body) == ("POST", b"{}")


def test_a_failing_webhook_is_told_with_its_status(api: Api, uma: User, receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(status=503)
    found = tried(api, uma, {"target_url": receiver.url()})
    assert (found["ok"], found["status_code"]) == (False, 503)
    assert "503" in found["message"]


def test_a_webhook_that_does_not_answer_in_time_is_no_answer(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(silent=True)
    answer = test_run.webhook({"target_url": receiver.url(), "method": "POST"}, {}, 0.05)
    assert answer.to_json() == {
        "ok": False,
        "type": "webhook",
        "error": "Request failed",
        "message": "No answer within 0.05 s",
    }


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://2130706433/", "http://169.254.169.254/latest", "http://[::1]/"]
)
def test_an_inner_address_is_refused_as_the_runner_would(api: Api, uma: User, url: str) -> None:
    found = tried(api, uma, {"target_url": url})
    assert (found["ok"], found["error"]) == (False, "Request failed")
    assert "private" in found["message"]


def test_a_redirect_to_an_inner_address_is_refused_too(
    api: Api, uma: User, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{receiver.port}"]
    receiver.answers["/"] = Answer(status=302, headers={"Location": "http://127.0.0.1:9/"})
    found = tried(api, uma, {"target_url": receiver.url()})
    assert found["ok"] is False
    assert "private" in found["message"]


def test_a_workflow_is_started_once(
    api: Api, uma: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.GITHUB_TOKEN = "token"
    asked: list[Any] = []

    async def probe(*arguments: Any) -> tuple[bool, int | None, str]:
        asked.append(arguments)
        return True, 204, "Workflow started"

    monkeypatch.setattr(test_run, "probe", probe)
    for metadata, ref in (({}, "main"), ({"branch": "dev"}, "dev"), ({"branch": "dev", "ref": "v1"}, "v1")):
        found = tried(api, uma, {**TRIO, "metadata": metadata, "timeout_seconds": 99})
        assert found == {"ok": True, "type": "github", "status_code": 204, "message": "Workflow started"}
        assert asked.pop() == ("acme", "app", "ci.yml", ref, metadata, "token", 30.0)


def test_a_workflow_that_cannot_be_asked_for_is_no_answer(
    api: Api, uma: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.GITHUB_TOKEN = "token"

    async def probe(*_arguments: Any) -> tuple[bool, int | None, str]:
        return False, None, "nobody home"

    monkeypatch.setattr(test_run, "probe", probe)
    expected = {"ok": False, "type": "github", "error": "Request failed", "message": "nobody home"}
    assert tried(api, uma, TRIO) == expected


def test_without_a_token_no_workflow_is_started(api: Api, uma: User, settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    found = tried(api, uma, TRIO)
    assert (found["ok"], found["type"], found["error"]) == (False, "github", "GitHub token not configured")
    assert found["message"]


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ({}, "Missing target configuration"),
        ({"target_url": " "}, "Missing target configuration"),
        ({"github_repo": "r", "github_workflow_name": "w.yml"}, "Missing target configuration"),
        ({"target_url": "ftp://1.1.1.1/"}, "Invalid target_url"),
        ({"target_url": "a/b/c"}, "Invalid target_url"),
        ({"target_url": ["x"]}, "Invalid target_url"),
        ({**TRIO, "github_owner": "../x"}, "Invalid github_owner"),
        ({**TRIO, "github_repo": "a/b"}, "Invalid github_repo"),
        ({**TRIO, "github_workflow_name": 3}, "Invalid github_workflow_name"),
        ({"metadata": []}, "Invalid metadata"),
        ({"metadata": "x", "target_url": "ftp://x"}, "Invalid metadata"),
        ({**TRIO, "timeout_seconds": "5"}, "Invalid timeout_seconds"),
        ({**TRIO, "timeout_seconds": True}, "Invalid timeout_seconds"),
    ],
)
def test_what_cannot_be_tried_is_400(api: Api, uma: User, body: dict[str, Any], label: str) -> None:
    answer = api(uma).post(URL, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, label)


def test_who_may_try(api: Api, vic: User) -> None:
    assert api().post(URL, TRIO, format="json").status_code == 401
    answer = api(vic).post(URL, TRIO, format="json")
    assert (answer.status_code, answer.json()) == (403, {"detail": "User or admin access required"})


def test_trying_again_and_again_has_its_limit(api: Api, uma: User, ada: User, settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    client = api(uma)
    for _time in range(20):
        assert client.post(URL, TRIO, format="json").status_code == 200
    answer = client.post(URL, TRIO, format="json")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert api(ada).post(URL, TRIO, format="json").status_code == 200


def test_only_a_few_try_at_once(api: Api, uma: User, settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    turns = [test_run.TestRunSlot(uma) for _ in range(4)]
    for turn in turns:
        turn.__enter__()
    try:
        assert api(uma).post(URL, TRIO, format="json").status_code == 429
    finally:
        for turn in turns:
            turn.__exit__()
    assert api(uma).post(URL, TRIO, format="json").status_code == 200
