"""POST /api/v2/jobs/{id}/execute: runs a job now, waits for its end, stores no override."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, cast

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import claims, launch, outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution, State
from jobs import verbs
from jobs.models import Job, today
from jobs.runners import RUNNERS, Context, IORunner
from jobs.tests.factories import make_job
from jobs.tests.running import Answer, Receiver
from jobs.tests.webhooks import receiver
from scheduler_site.lib.deferred import Wait

__all__ = ["receiver"]

pytestmark = pytest.mark.django_db(transaction=True)
GITHUB = {"owner": "o", "repo": "r", "workflow": "w.yml"}


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is announced is done at once, as a worker would do it."""

    def perform(runs: Iterable[Execution]) -> None:
        for claim in claims.claim([str(run.uid) for run in runs], "worker", timezone.now()):
            runner = cast(IORunner, RUNNERS[claim.spec.kind])
            lines: list[str] = []
            outcome = asyncio.run(runner.run(Context(claim.spec, asyncio.Event(), lines.append)))
            reports = [Report(claim, "".join(lines)), Report(claim, outcome)]
            outcomes.write(reports, "worker", timezone.now())

    monkeypatch.setattr(launch, "publish", perform)


@pytest.fixture
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "publish", lambda runs: True)


def hook(receiver: Receiver, owner: User, **changes: Any) -> Job:
    return make_job(owner, options={"target_url": receiver.url("/hook")}, **changes)


def execute(api: Api, user: User, job: Job, body: Any = None, query: str = "") -> Any:
    client, url = api(user), f"/api/v2/jobs/{job.uid}/execute{query}"
    return client.post(url, body, format="json") if body is not None else client.post(url)


def test_the_answer_has_the_final_state_of_the_run(
    api: Api, uma: User, receiver: Receiver, workers: None
) -> None:
    receiver.answers["/hook"] = Answer(body=b"x" * 1500)
    job = hook(receiver, uma)
    answer = execute(api, uma, job)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["message"], body["job_id"]) == ("Job triggered successfully", str(job.uid))
    run = body["execution"]
    assert (run["status"], run["state"], run["trigger_type"]) == ("success", "success", "manual")
    assert (run["execution_type"], run["target"]) == ("webhook", receiver.url("/hook"))
    assert (run["response_status"], run["output"], run["error_message"]) == (200, "x" * 1000, None)
    assert run["requested_by"] == "uma"
    assert [call.method for call in receiver.received] == ["GET"]
    assert Entry.objects.filter(event="custom_run", actor=uma, surface="api").count() == 1


def test_a_target_that_fails_is_an_answer_all_the_same(
    api: Api, uma: User, receiver: Receiver, workers: None
) -> None:
    receiver.answers["/hook"] = Answer(status=500, body=b"")
    run = execute(api, uma, hook(receiver, uma)).json()["execution"]
    assert (run["status"], run["response_status"], run["output"]) == ("failed", 500, None)
    assert "500" in run["error_message"]


def test_overrides_are_for_this_run_only(api: Api, uma: User, receiver: Receiver, workers: None) -> None:
    job = hook(receiver, uma, metadata={"stored": True})
    before = Job.objects.filter(pk=job.pk).values().get()
    body = {"metadata": {"only": "now"}, "target_url": receiver.url("/other")}
    run = execute(api, uma, job, body).json()["execution"]
    assert run["target"] == receiver.url("/other")
    call = receiver.received[0]
    assert (call.method, call.path, json.loads(call.body)) == ("POST", "/other", {"only": "now"})
    assert Job.objects.filter(pk=job.pk).values().get() == before


def test_empty_metadata_replaces_the_stored_ones_and_blank_texts_do_not(
    api: Api, uma: User, receiver: Receiver, workers: None
) -> None:
    job = hook(receiver, uma, metadata={"stored": True})
    assert execute(api, uma, job, {"metadata": {}, "target_url": " "}).status_code == 200
    assert (receiver.received[0].method, receiver.received[0].path) == ("GET", "/hook")


def test_a_paused_job_can_be_executed(api: Api, uma: User, receiver: Receiver, workers: None) -> None:
    job = hook(receiver, uma)
    verbs.pause(job, by=Actor(uma, "api"))
    assert execute(api, uma, job).json()["execution"]["status"] == "success"


def test_an_expired_job_is_paused_and_not_run(api: Api, uma: User, receiver: Receiver, workers: None) -> None:
    job = hook(receiver, uma)
    Job.objects.update(end_date=today() - dt.timedelta(days=1))
    answer = execute(api, uma, job)
    assert (answer.status_code, answer.json()["error"]) == (400, "Job expired")
    assert not Job.objects.get().is_active
    assert not Execution.objects.exists()
    assert execute(api, uma, job).status_code == 400


def test_a_job_that_runs_already_is_not_started_again(api: Api, uma: User, no_workers: None) -> None:
    job = make_job(uma)
    assert execute(api, uma, job, {"wait": 0}).json()["execution"]["state"] == "queued"
    answer = execute(api, uma, job, {"wait": 0})
    assert (answer.status_code, answer.json()["error"]) == (409, "Job is already running")
    assert Execution.objects.count() == 1


def test_a_queued_run_counts_as_running_and_is_not_waited_for_when_told_so(
    api: Api, uma: User, no_workers: None
) -> None:
    run = execute(api, uma, make_job(uma), query="?wait=0").json()["execution"]
    assert (run["status"], run["state"], run["started_at"]) == ("running", "queued", None)


def test_a_run_that_waits_for_an_earlier_one_is_not_waited_for(api: Api, uma: User, no_workers: None) -> None:
    job = make_job(uma, overlap="queue")
    execute(api, uma, job, {"wait": 0})
    assert execute(api, uma, job).json()["execution"]["state"] == "queued"


def test_the_default_is_to_wait_for_calls_and_not_for_code(
    api: Api, ada: User, no_workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    until = launch.until_ended

    def noted(run: Execution, seconds: float) -> Wait:
        waits.append(seconds)
        return until(run, 0)

    monkeypatch.setattr(launch, "until_ended", noted)
    options = {"job_class": "jobs.classes.sample.AwesomeJob", "args": [1, 2]}
    execute(api, ada, make_job(ada, name="code", kind="python_class", options=options))
    execute(api, ada, make_job(ada, name="call", overlap="allow"))
    execute(api, ada, make_job(ada, name="told"), {"wait": 2.5})
    assert waits == [0.0, 15.0, 2.5]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"dispatch_url": "a/b/c.yml"}, "a/b/c.yml"),
        ({"dispatch_url": "/a/b/actions/workflows/c.yml"}, "a/b/c.yml"),
        ({"dispatch_url": "a/b/actions/workflows/c.yml"}, "a/b/c.yml"),
        ({"dispatch_url": "https://github.com/a/b/actions/workflows/c.yml"}, "a/b/c.yml"),
        ({"dispatch_url": "https://api.github.com/repos/a/b/actions/workflows/c.yml"}, "a/b/c.yml"),
        ({"dispatch_url": "https://api.github.com/repos/a/b/actions/workflows/12/dispatches"}, "a/b/12"),
        ({"dispatch_url": "a/b/c.yml", "github_repo": "mine"}, "a/mine/c.yml"),
        ({"github_workflow_name": "other.yml", "github_owner": ""}, "o/r/other.yml"),
        ({"target_url": "https://1.1.1.1/"}, "o/r/w.yml"),
    ],
)
def test_a_workflow_is_named_in_any_of_the_known_forms(
    api: Api, uma: User, no_workers: None, body: dict[str, Any], target: str
) -> None:
    job = make_job(uma, kind="github_actions", options=GITHUB)
    run = execute(api, uma, job, body | {"wait": 0}).json()["execution"]
    assert (run["execution_type"], run["target"]) == ("github_actions", target)
    assert run["github_repo"] == target.split("/")[1]


@pytest.mark.parametrize(
    ("kind", "body", "label"),
    [
        ("webhook", {"metadata": "x"}, "Invalid payload"),
        ("webhook", {"metadata": [1]}, "Invalid payload"),
        ("webhook", {"target_url": 5}, "Invalid payload"),
        ("webhook", {"target_url": "nonsense"}, "Invalid target_url"),
        ("webhook", {"target_url": "http://192.168.0.1/"}, "Invalid target_url"),
        ("webhook", {"target_url": "http://127.0.0.1/"}, "Invalid target_url"),
        ("webhook", {"wait": -1}, "Invalid wait"),
        ("webhook", {"wait": 61}, "Invalid wait"),
        ("webhook", {"wait": "soon"}, "Invalid wait"),
        ("webhook", {"wait": True}, "Invalid wait"),
        ("webhook", {"wait": "nan"}, "Invalid wait"),
        ("webhook", {"wait": []}, "Invalid wait"),
        ("webhook", [1], "Invalid payload"),
        ("github_actions", {"dispatch_url": "https://example.com/a/b/c"}, "Invalid payload"),
        ("github_actions", {"dispatch_url": {}}, "Invalid payload"),
        ("github_actions", {"github_repo": ".."}, "Invalid github_repo"),
        ("github_actions", {"github_token": 5}, "Invalid payload"),
        ("github_actions", {"github_token": "a b"}, "Invalid github_token"),
    ],
)
def test_an_odd_override_is_refused_and_nothing_runs(
    api: Api, uma: User, no_workers: None, kind: str, body: Any, label: str
) -> None:
    options = GITHUB if kind == "github_actions" else {"target_url": "https://1.1.1.1/"}
    job = make_job(uma, kind=kind, options=options)
    answer = execute(api, uma, job, body)
    assert (answer.status_code, answer.json()["error"]) == (400, label)
    assert not Execution.objects.exists()


def test_a_broker_that_is_away_loses_nothing(api: Api, uma: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "publish", lambda runs: False)
    answer = execute(api, uma, make_job(uma), {"wait": 0})
    assert answer.status_code == 200
    assert Execution.objects.get().state == State.QUEUED


def test_only_those_who_may_change_a_job_may_run_it(
    api: Api, ada: User, uma: User, vic: User, no_workers: None
) -> None:
    job = make_job(ada)
    assert execute(api, vic, job).json() == {"detail": "User or admin access required"}
    answer = execute(api, uma, job)
    assert (answer.status_code, answer.json()["error"]) == (403, "Insufficient permissions")
    code = make_job(
        ada,
        name="code",
        kind="python_class",
        options={"job_class": "jobs.classes.sample.AwesomeJob", "args": [1, 2]},
    )
    Job.objects.filter(pk=code.pk).update(owner=uma)
    assert execute(api, uma, code).status_code == 403
    assert not Execution.objects.exists()
