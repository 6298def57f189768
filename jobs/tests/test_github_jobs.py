"""GitHub jobs as people see them: the form, the page of a run, the API, and a worker that stops one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from audit.record import Actor
from conftest import Api
from executions.ledger import launch, verbs
from executions.models import Execution, State
from executions.rest.overrides import seconds_to_wait
from executions.tests.conftest import Ledger, ledger
from executions.tests.test_page_list import make_run
from executions.worker import worker as crews
from executions.worker.worker import Worker
from jobs.forms.targets import with_target
from jobs.runners import clean_options

from .factories import make_job
from .github_server import OPTIONS, TOKEN, GitHub, github
from .pages import browser

__all__ = ["github", "ledger"]

PAGE = "https://github.com/acme/tools/actions/runs/4242"


def test_what_is_as_usual_is_not_stored() -> None:
    assert clean_options("github_actions", OPTIONS | {"ref": "", "follow": ""}) == OPTIONS
    chosen = OPTIONS | {"ref": "refs/heads/a/b", "follow": False}
    assert clean_options("github_actions", chosen) == chosen
    assert clean_options("github_actions", chosen | {"follow": "false"}) == chosen


@pytest.mark.parametrize(
    ("name", "value"), [("follow", "perhaps"), ("follow", 5), ("ref", "a b"), ("ref", "a..b:c")]
)
def test_an_odd_choice_is_refused_at_its_field(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        clean_options("github_actions", OPTIONS | {name: value})
    assert list(caught.value.message_dict) == [name]


def test_a_change_in_the_words_of_the_dialect_keeps_the_other_options() -> None:
    options = OPTIONS | {"follow": False, "ref": "main", "target_url": "https://a.example/"}
    kind, changed = with_target("github_actions", options, {"github_repo": "other", "target_url": ""})
    assert (kind, changed) == ("github_actions", OPTIONS | {"repo": "other", "follow": False, "ref": "main"})
    kind, changed = with_target(
        "webhook",
        {"target_url": "https://a.example/", "method": "PUT"},
        {"target_url": "acme/tools/nightly.yml"},
    )
    assert (kind, changed) == ("github_actions", OPTIONS)


@pytest.mark.django_db
def test_the_form_tells_of_the_token_and_shows_what_was_chosen(uma: User) -> None:
    job = make_job(
        uma, kind="github_actions", options=OPTIONS | {"follow": False}, secrets={"github_token": TOKEN}
    )
    page = browser(uma).get(f"/jobs/{job.uid}/edit").content.decode()
    assert "github_token is the token for this job" in page
    assert '<option value="false" selected>' in page
    assert TOKEN not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "url", "linked"),
    [
        ("github_actions", PAGE, True),
        ("github_actions", "javascript:alert(1)", False),
        ("webhook", PAGE, False),
    ],
)
def test_the_page_of_a_run_links_the_one_on_github(vic: User, kind: str, url: str, linked: bool) -> None:
    run = make_run(make_job(), state=State.SUCCESS, kind=kind, result=f'{{"html_url": "{url}"}}')
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert (f'<a href="{url}" rel="noopener noreferrer">' in page) is linked


@pytest.mark.django_db
def test_the_api_waits_for_the_dispatch_and_not_for_the_workflow(api: Api, uma: User) -> None:
    job = make_job(uma, kind="github_actions", options=OPTIONS)
    assert seconds_to_wait(job, {}, {}) == 5.0
    answer = api(uma).post(f"/api/v2/jobs/{job.uid}/execute", {"wait": 0}, format="json")
    assert answer.status_code == 200
    assert answer.json()["execution"]["status"] == "running"


# With a real worker --------------------------------------------------------------------------------------------------


@pytest.fixture
def worker(github: GitHub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(crews, "POLL_SECONDS", 0.05)
    worker = Worker("worker-1", ["io"])
    yield worker
    worker.shut_down(0)


def ended(run: Execution) -> Execution:
    deadline = time.monotonic() + 20
    while run.is_open:
        assert time.monotonic() < deadline, "it did not end within 20 s"
        time.sleep(0.02)
        run.refresh_from_db()
    return run


@pytest.mark.django_db(transaction=True)
def test_a_worker_follows_a_workflow_and_cancels_it_when_it_is_stopped(
    worker: Worker, github: GitHub, ledger: Ledger
) -> None:
    job = make_job(kind="github_actions", options=OPTIONS | {"workflow": "nightly"}, stop_grace=10)
    first = launch.launch(job, by=Actor.system())
    worker.perform([str(first.uid)])
    first = ended(first)
    assert (first.state, first.target, first.response_status) == ("success", "acme/tools/nightly.yml", 200)
    assert PAGE in first.result

    github.looks, github.course = 0, [("in_progress", None)]
    github.watched = threading.Event()
    second = launch.launch(job, by=Actor.system())
    worker.perform([str(second.uid)])
    assert github.watched.wait(10)
    verbs.stop(second, by=Actor.system())
    second = ended(second)
    assert (second.state, second.reason) == ("stopped", "stopped")
    assert second.error == "Stopped. The workflow ended with the conclusion cancelled"
    assert len(github.of("POST", "/cancel")) == 1
    assert [call.path.split("/")[-2] for call in github.dispatches] == ["nightly", "nightly.yml"] * 2
    assert TOKEN not in "".join(chunk.text for chunk in second.log.all())
