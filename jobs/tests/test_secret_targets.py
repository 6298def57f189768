"""Secrets stay with the target they were entered for: who sends a job somewhere else does not take them along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import claims, launch
from executions.models import Execution
from jobs import code_permission, exposed_credentials, verbs, versions
from jobs.models import Job
from jobs.test_run import Answer
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import edits
from jobs.verbs import JobChanges
from scheduler_site.lib.credentials import MASK

HERE, THERE = "https://1.1.1.1/hook", "https://8.8.8.8/hook"
SECRET = {"headers": '{"Authorization": "Bearer s3cret"}'}


@pytest.fixture
def mallory(db: None) -> User:
    """He may change and run what others have made."""
    return User.objects.create_user("mallory", role="user", edit_scope="category", may_run_code=True)


@pytest.fixture
def job(uma: User) -> Job:
    return make_job(uma, secrets=SECRET)


def stored(job: Job) -> dict[str, str]:
    return dict(Job.objects.get(pk=job.pk).secrets)


def put(client: APIClient, job: Job, **body: Any) -> Any:
    return client.put(f"/api/v2/jobs/{job.uid}", body, format="json")


def secrets_of(run: Execution) -> dict[str, str]:
    (claim,) = claims.claim([str(run.uid)], "w", moment("2099-01-01 00:00"))
    return claim.spec.secrets


OTHERS = [
    "https://8.8.8.8/hook",
    "http://1.1.1.1/hook",
    "https://1.1.1.1:8443/hook",
    "https://1.1.1.1.example.com/hook",
    "https://1.1.1.10/hook",
]
SAME = ["https://1.1.1.1/other", "https://1.1.1.1:443/hook", "HTTPS://1.1.1.1/hook?x=1"]


@pytest.mark.parametrize("url", OTHERS)
def test_another_origin_takes_the_secrets_away_and_says_so(
    api: Api, mallory: User, job: Job, url: str
) -> None:
    answer = put(api(mallory), job, target_url=url)
    assert answer.status_code == 200
    assert answer.json()["job"]["secrets"] == []
    assert "secrets.headers" in str(answer.json()["warnings"])
    assert stored(job) == {}
    entry = Entry.objects.filter(object_uid=job.uid, event="modified").get()
    assert entry.changes["secrets.headers"] == {"old": MASK, "new": None}
    assert "secrets.headers" in entry.description


@pytest.mark.parametrize("url", SAME)
def test_the_same_origin_keeps_them(api: Api, mallory: User, job: Job, url: str) -> None:
    answer = put(api(mallory), job, target_url=url)
    assert (answer.status_code, stored(job)) == (200, SECRET)
    assert "removed" not in str(answer.json().get("warnings"))


def test_what_is_given_with_the_new_target_belongs_to_it(api: Api, uma: User, job: Job) -> None:
    put(api(uma), job, target_url=THERE, secrets={"signing_key": "new-key-1"})
    assert stored(job) == {"signing_key": "new-key-1"}


def test_the_page_says_it(mallory: User, job: Job, client: Client) -> None:
    client.force_login(mallory)
    form = edits(job, **{"options-target_url": THERE})
    answer = client.post(f"/jobs/{job.uid}/edit", form, follow=True)
    assert "secrets.headers" in answer.content.decode()
    assert stored(job) == {}


def test_neither_a_restored_version_nor_a_change_of_kind_brings_them_elsewhere(
    ada: User, mallory: User, uma: User
) -> None:
    job = make_job(uma, options={"target_url": THERE})
    verbs.update(
        job,
        JobChanges({"options": {"target_url": HERE}}, secrets=SECRET, fresh=frozenset(SECRET)),
        by=Actor(uma, "api"),
    )
    assert stored(job) == SECRET
    versions.restore(Job.objects.get(pk=job.pk), 1, by=Actor(mallory, "page"), user=mallory)
    assert stored(job) == {}
    verbs.update(job, JobChanges(secrets=SECRET, fresh=frozenset(SECRET)), by=Actor(uma, "api"))
    workflow = {"owner": "o", "repo": "r", "workflow": "w.yml"}
    verbs.update(job, JobChanges({"kind": "github_actions", "options": workflow}), by=Actor(mallory, "api"))
    assert stored(job) == {}


# Runs --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "goes"), [*((url, False) for url in OTHERS), *((url, True) for url in SAME)])
def test_a_run_with_another_target_goes_without_them(
    api: Api, mallory: User, job: Job, url: str, goes: bool
) -> None:
    body = {"target_url": url, "wait": 0}
    answer = api(mallory).post(f"/api/v2/jobs/{job.uid}/execute", body, format="json")
    assert answer.status_code == 200
    assert ("secrets.headers" in str(answer.json().get("warnings"))) is not goes
    assert secrets_of(Execution.objects.get()) == (SECRET if goes else {})
    assert stored(job) == SECRET


def test_a_workflow_of_another_owner_does_not_get_the_token(api: Api, mallory: User, uma: User) -> None:
    options = {"owner": "good", "repo": "r", "workflow": "w.yml"}
    job = make_job(uma, kind="github_actions", options=options, secrets={"github_token": "ghp_1234567890"})
    for body, goes in (
        ({"github_owner": "evil"}, False),
        ({"github_repo": "other"}, True),
        ({"dispatch_url": "evil/r/w.yml"}, False),
    ):
        Execution.objects.all().delete()
        api(mallory).post(f"/api/v2/jobs/{job.uid}/execute", body | {"wait": 0}, format="json")
        assert bool(secrets_of(Execution.objects.get())) is goes
    put(api(mallory), job, github_owner="evil")
    assert stored(job) == {}


def test_a_run_that_waits_does_not_get_the_secrets_of_a_later_target(job: Job, uma: User) -> None:
    run = launch.launch(job, by=Actor(uma, "api"))
    new = JobChanges(
        {"options": {"target_url": THERE}}, secrets={"headers": "{}"}, fresh=frozenset({"headers"})
    )
    verbs.update(job, new, by=Actor(uma, "api"))
    assert secrets_of(run) == {}


def test_a_test_of_the_form_does_not_send_what_is_stored(
    mallory: User, job: Job, client: Client, monkeypatch: Any
) -> None:
    sent: list[Any] = []

    def called(*_args: Any, **named: Any) -> Answer:
        sent.append(named)
        return Answer(True, "webhook", 200, "")

    monkeypatch.setattr("jobs.test_run.webhook", called)
    client.force_login(mallory)
    client.post(f"/jobs/{job.uid}/edit", edits(job, test="1", **{"options-target_url": THERE}))
    assert sent == [{"secrets": {}}]


# Code --------------------------------------------------------------------------------------------------------------------


def test_who_changes_the_script_of_others_loses_their_secrets(ada: User, mallory: User) -> None:
    from environments.models import Environment

    place = Environment.objects.create(name="place", backend="pypi", state="ready")
    owner = User.objects.create_user("owner", role="user", may_run_code=True)
    script = {"script": "print(1)"}
    job = make_job(owner, kind="script", options=script, environment=place.uid, secrets={"TOKEN": "abcdef"})
    verbs.update(job, JobChanges({"description": "same script"}), by=Actor(mallory, "api"))
    verbs.update(job, JobChanges({"options": {"script": "print(2)"}}), by=Actor(owner, "api"))
    verbs.update(job, JobChanges({"options": {"script": "print(3)"}}), by=Actor(ada, "api"))
    assert stored(job) == {"TOKEN": "abcdef"}
    verbs.update(
        job, JobChanges({"options": {"script": "import os; print(os.environ)"}}), by=Actor(mallory, "api")
    )
    assert stored(job) == {}


@pytest.fixture
def script_job(mallory: User) -> Job:
    from environments.models import Environment

    place = Environment.objects.create(name="place", backend="pypi", state="ready")
    owner = User.objects.create_user("owner", role="user", may_run_code=True)
    options = {"script": "print(1)", "variables": {"API_TOKEN": "typed-1", "LEVEL": "2"}}
    return make_job(owner, kind="script", options=options, environment=place.uid, secrets={"A": "abcdef"})


def adds_a_secret(job: Job, user: User) -> None:
    secrets = dict(job.secrets) | {"B": "mine-123"}
    verbs.update(job, JobChanges(secrets=secrets, fresh=frozenset({"B"})), by=Actor(user, "api"))


def moves_credentials(job: Job, user: User) -> None:
    assert exposed_credentials.move(job, by=Actor(user, "page")) == ["options.variables.API_TOKEN"]
    assert stored(job) == {"A": "abcdef", "API_TOKEN": "typed-1"}


def takes_it_over(job: Job, user: User) -> None:
    User.objects.filter(username="owner").delete()
    assert code_permission.take_over(job, by=Actor(user, "page"))


@pytest.mark.parametrize("step", [adds_a_secret, moves_credentials, takes_it_over])
def test_no_step_before_makes_the_secrets_of_others_his_own(
    mallory: User, script_job: Job, step: Callable[[Job, User], None]
) -> None:
    step(script_job, mallory)
    job = Job.objects.get(pk=script_job.pk)
    script = job.options | {"script": "import os; print(os.environ)"}
    changed = verbs.update(job, JobChanges({"options": script}), by=Actor(mallory, "api"))
    assert stored(job) == {}
    left = Job.objects.get(pk=job.pk).options["variables"]
    assert left == {"LEVEL": "2"}
    assert "secrets.A" in changed.dropped_secrets


def test_who_typed_credentials_keeps_them_though_somebody_else_moved_them(
    mallory: User, script_job: Job
) -> None:
    moves_credentials(script_job, mallory)
    owner = User.objects.get(username="owner")
    verbs.update(
        script_job,
        JobChanges({"options": {"script": "print(2)", "variables": {"LEVEL": "2"}}}),
        by=Actor(owner, "api"),
    )
    assert stored(script_job) == {"A": "abcdef", "API_TOKEN": "typed-1"}


def test_who_sets_all_secrets_of_a_script_changes_it_without_losing_them(
    mallory: User, script_job: Job
) -> None:
    script = {"script": "print(2)"}
    mine = JobChanges({"options": script}, secrets={"A": "mine-123"}, fresh=frozenset({"A"}))
    verbs.update(script_job, mine, by=Actor(mallory, "api"))
    verbs.update(script_job, JobChanges({"options": {"script": "print(3)"}}), by=Actor(mallory, "api"))
    assert stored(script_job) == {"A": "mine-123"}


def test_another_class_takes_the_secrets_away(ada: User) -> None:
    job = make_job(
        ada,
        kind="python_class",
        options={"job_class": "jobs.classes.sample.AwesomeJob"},
        secrets={"A": "abcdef"},
    )
    verbs.update(
        job, JobChanges({"options": {"job_class": "jobs.classes.shell.ShellJob"}}), by=Actor(ada, "api")
    )
    assert stored(job) == {}
