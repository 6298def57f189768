"""Credentials that were typed into options or metadata: nobody reads them, a mask that is sent back keeps them, one click
moves them to the secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from compat.ndscheduler import tokens as v1_tokens
from conftest import Api
from executions.ledger import claims, launch
from executions.models import Execution
from jobs import exposed_credentials, verbs, versions
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import edits
from jobs.verbs import JobChanges
from scheduler_site.lib import credentials
from scheduler_site.lib.credentials import MASK

from .running import Receiver, call_webhook

pytest_plugins = ["jobs.tests.webhooks"]

CANARY = "c4nary-value"
HOOK = "https://1.1.1.1/hook"
OPTIONS: dict[str, Any] = {
    "target_url": f"{HOOK}?api_key={CANARY}-1&page=2",
    "method": "POST",
    "headers": {"Authorization": f"Bearer {CANARY}-2", "X-Api-Key": f"{CANARY}-3", "Accept": "text/plain"},
}
METADATA: dict[str, Any] = {
    "name": "x",
    "db": {"password": f"{CANARY}-4", "host": "db"},
    "hook": f"https://u:{CANARY}-5@example.com/",
}


@pytest.fixture
def job(uma: User) -> Job:
    return make_job(uma, options=OPTIONS, metadata=METADATA)


def stored(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Authorization",
            "authorization",
            "X-Api-Key",
            "Cookie",
            "Set-Cookie",
            "X-Auth-Token",
            "api_key",
            "apikey",
        ),
        *(
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "client_secret",
            "accessToken",
            "access_key",
            "X-Vault-Token",
        ),
    ],
)
def test_names_of_credentials(name: str) -> None:
    assert credentials.is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Accept",
        "Content-Type",
        "token_type",
        "tokens",
        "max_tokens",
        "key",
        "primary_key",
        "name",
        "secretary",
        "passwords_count",
        "",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not credentials.is_name(name)


def test_they_are_nowhere_in_what_anybody_reads(
    api: Api, job: Job, uma: User, ada: User, client: Client
) -> None:
    run = launch.launch(job, by=Actor(uma, "api"))
    verbs.update(job, JobChanges({"options": OPTIONS | {"method": "PUT"}}), by=Actor(uma, "api"))
    client.force_login(ada)
    pages = [
        f"/jobs/{job.uid}",
        f"/jobs/{job.uid}/edit",
        f"/jobs/{job.uid}/history",
        f"/jobs/{job.uid}/versions",
        "/jobs",
    ]
    pages += [
        f"/executions/{run.uid}",
        "/executions",
        "/audit",
        "/audit/csv",
        f"/jobs/new?copy={job.uid}",
        "/",
    ]
    for path in pages:
        answer = client.get(path)
        streamed = getattr(answer, "streaming_content", None)
        text = (b"".join(streamed) if streamed is not None else answer.content).decode()
        assert (answer.status_code, CANARY in text) == (200, False), path
    machine = api(ada)
    routes = [
        f"/jobs/{job.uid}",
        "/jobs",
        f"/jobs/{job.uid}/history",
        "/audit",
        "/executions",
        f"/executions/{run.uid}",
    ]
    for route in routes:
        told = machine.get(f"/api/v2{route}")
        assert (told.status_code, CANARY in told.content.decode()) == (200, False), route
    headers = {"Authorization": f"Bearer {v1_tokens.issue(ada, 0)}"}
    for route in ("jobs", f"jobs/{job.uid.hex}", "logs", "executions"):
        assert CANARY not in Client().get(f"/api/v1/{route}", headers=headers).content.decode(), route
    assert CANARY not in json.dumps(list(Entry.objects.values("changes", "snapshot", "description")))


def test_entries_of_older_versions_are_masked_when_they_are_read(api: Api, ada: User, job: Job) -> None:
    entry = Entry(
        at=moment("2026-01-01 00:00"),
        event="modified",
        actor_name="x",
        surface="api",
        object_type="job",
        object_uid=job.uid,
        object_name=job.name,
        changes={"options": {"old": {}, "new": OPTIONS}},
        snapshot={"options": OPTIONS, "metadata": METADATA},
    )
    entry.save()
    assert CANARY not in api(ada).get(f"/api/v2/jobs/{job.uid}/history").content.decode()
    assert CANARY not in api(ada).get("/api/v2/audit").content.decode()


def test_the_api_warns_of_them_and_names_where_they_are(api: Api, uma: User) -> None:
    body = {
        "name": "n",
        "cron_expression": "0 * * * *",
        "target_url": OPTIONS["target_url"],
        "options": OPTIONS,
        "metadata": METADATA,
    }
    answer = api(uma).post("/api/v2/jobs", body, format="json").json()
    places = [
        "options.target_url?api_key",
        "options.headers.Authorization",
        "options.headers.X-Api-Key",
        "metadata.db.password",
        "metadata.hook?user",
    ]
    assert sorted(answer["job"]["exposed"]) == sorted(places)
    assert all(place in str(answer["warnings"]) for place in places)


def test_a_job_that_is_read_and_sent_back_keeps_them(api: Api, uma: User, job: Job) -> None:
    client, url = api(uma), f"/api/v2/jobs/{job.uid}"
    told = client.get(url).json()["job"]
    assert MASK in json.dumps(told)
    assert client.put(url, told | {"description": "changed"}, format="json").status_code == 200
    assert (stored(job).options, stored(job).metadata) == (OPTIONS, METADATA)


def test_the_form_of_the_page_keeps_them_too(uma: User, job: Job, client: Client) -> None:
    client.force_login(uma)
    shown = client.get(f"/jobs/{job.uid}/edit").context["form"]
    masked = credentials.masked(OPTIONS)
    form = edits(
        job,
        metadata=json.dumps(shown.initial["metadata"]),
        **{
            "options-target_url": masked["target_url"],
            "options-method": "POST",
            "options-headers": json.dumps(masked["headers"]),
        },
    )
    assert client.post(f"/jobs/{job.uid}/edit", form).status_code == 302
    assert (stored(job).options, stored(job).metadata) == (OPTIONS, METADATA)


def test_one_of_them_is_changed_while_the_others_stay(api: Api, uma: User, job: Job) -> None:
    headers = {"Authorization": "Bearer new", "X-Api-Key": MASK}
    body = {"options": credentials.masked(OPTIONS) | {"headers": headers}}
    assert api(uma).put(f"/api/v2/jobs/{job.uid}", body, format="json").status_code == 200
    assert stored(job).options["headers"] == {"Authorization": "Bearer new", "X-Api-Key": f"{CANARY}-3"}


def test_a_mask_that_stands_for_nothing_is_refused(api: Api, uma: User) -> None:
    body = {
        "name": "n",
        "cron_expression": "0 * * * *",
        "target_url": HOOK,
        "options": credentials.masked(OPTIONS),
    }
    answer = api(uma).post("/api/v2/jobs", body, format="json")
    assert answer.status_code == 400
    assert "hidden value" in answer.json()["message"]
    body = {"name": "n", "cron_expression": "0 * * * *", "target_url": HOOK, "metadata": {"token": MASK}}
    assert api(uma).post("/api/v2/jobs", body, format="json").status_code == 400


# Elsewhere ---------------------------------------------------------------------------------------------------------------

THERE = "https://8.8.8.8/x"


@pytest.mark.parametrize(
    "body",
    [
        {"target_url": THERE},
        {"options": credentials.masked(OPTIONS) | {"target_url": f"{THERE}?api_key={MASK}"}},
    ],
    ids=["url", "masks"],
)
def test_they_do_not_travel_with_a_changed_target(
    api: Api, ada: User, job: Job, body: dict[str, Any]
) -> None:
    answer = api(ada).put(f"/api/v2/jobs/{job.uid}", body, format="json")
    if answer.status_code == 400:
        # The mask in the URL stands for nothing there; nothing has changed.
        assert "target_url" in answer.json()["message"]
        assert stored(job).options == OPTIONS
    else:
        assert CANARY not in json.dumps([stored(job).options, stored(job).metadata])
        assert "options.headers.Authorization" in str(answer.json()["warnings"])
        assert stored(job).options["headers"] == {"Accept": "text/plain"}


@pytest.mark.parametrize("more", [{}, {"metadata": credentials.masked(METADATA)}], ids=["url", "masks"])
def test_nor_with_a_run_that_goes_elsewhere(api: Api, ada: User, job: Job, more: dict[str, Any]) -> None:
    body = {"target_url": THERE, "wait": 0, **more}
    answer = api(ada).post(f"/api/v2/jobs/{job.uid}/execute", body, format="json")
    assert answer.status_code == (400 if more else 200)
    told = [(run.full_definition, run.target) for run in Execution.objects.select_related("shared")]
    assert CANARY not in json.dumps(told)


def test_with_a_run_that_goes_where_the_job_does_they_go_along(api: Api, ada: User, job: Job) -> None:
    body = {"metadata": credentials.masked(METADATA), "wait": 0}
    assert api(ada).post(f"/api/v2/jobs/{job.uid}/execute", body, format="json").status_code == 200
    run = Execution.objects.get()
    assert (run.full_definition["metadata"], run.full_definition["options"]) == (METADATA, OPTIONS)


def test_a_version_is_restored_with_the_present_values_or_not_at_all(job: Job, uma: User) -> None:
    by = Actor(uma, "page")
    verbs.update(job, JobChanges({"options": OPTIONS | {"method": "PUT"}}), by=by)
    versions.restore(stored(job), 1, by=by, user=uma)
    assert stored(job).options == OPTIONS
    verbs.update(job, JobChanges({"options": {"target_url": HOOK}}), by=by)
    with pytest.raises(versions.Unrestorable, match="hidden value"):
        versions.restore(stored(job), 1, by=by, user=uma)


# Moved -------------------------------------------------------------------------------------------------------------------


def test_one_click_moves_them_and_the_request_stays_the_same(receiver: Receiver, uma: User) -> None:
    url = receiver.url()
    options = OPTIONS | {"target_url": f"{url}?api_key={CANARY}-1&page=2"}
    metadata = {"db": {"password": f"{CANARY}-4", "host": "db"}}
    job = make_job(uma, options=options, metadata=metadata)
    call_webhook(options["target_url"], options, metadata=metadata)
    assert exposed_credentials.move(job, by=Actor(uma, "page"))
    job = stored(job)
    assert CANARY not in json.dumps([job.options, job.metadata])
    assert exposed_credentials.exposed(job) == []
    run = launch.launch(job, by=Actor(uma, "api"))
    (claim,) = claims.claim([str(run.uid)], "w", moment("2099-01-01 00:00"))
    call_webhook(job.options["target_url"], job.options, metadata=job.metadata, secrets=claim.spec.secrets)
    before, after = receiver.received
    assert (after.method, json.loads(after.body)) == (before.method, json.loads(before.body))
    assert sorted(after.path.partition("?")[2].split("&")) == sorted(before.path.partition("?")[2].split("&"))
    for name in ("Authorization", "X-Api-Key", "Accept"):
        assert after.headers[name] == before.headers[name]


def test_the_page_and_the_api_have_the_click(api: Api, uma: User, client: Client) -> None:
    first, second = (make_job(uma, name=name, options=OPTIONS) for name in "ab")
    client.force_login(uma)
    assert "options.headers.Authorization" in client.get(f"/jobs/{first.uid}").content.decode()
    assert client.post(f"/jobs/{first.uid}/hide-credentials").status_code == 302
    answer = api(uma).post(f"/api/v2/jobs/{second.uid}/hide-credentials").json()
    for job in (first, second):
        assert sorted(stored(job).secrets) == ["headers", "query"]
    assert (answer["job"]["exposed"], answer["message"]) == ([], "Credentials moved successfully")
    again = api(uma).post(f"/api/v2/jobs/{second.uid}/hide-credentials").json()
    assert again["message"] == "Nothing to move"


LEFT: list[dict[str, Any]] = [
    {"metadata": {"hook": "https://u:c4nary@example.com/"}},
    {"metadata": {"all": [{"token": "c4nary"}]}},
    {"metadata": {"credentials": {"of": "c4nary"}}},
]


@pytest.mark.parametrize("where", LEFT, ids=["url", "list", "object"])
def test_what_the_secrets_have_no_place_for_is_not_said_to_be_moved(
    api: Api, uma: User, client: Client, where: dict[str, Any]
) -> None:
    job = make_job(uma, **where)
    (path,) = exposed_credentials.exposed(job)
    assert exposed_credentials.movable(job) == []
    answer = api(uma).post(f"/api/v2/jobs/{job.uid}/hide-credentials").json()
    assert (answer["message"], answer["job"]["exposed"]) == ("Nothing to move", [path])
    client.force_login(uma)
    assert "hide-credentials" not in client.get(f"/jobs/{job.uid}").content.decode()


def test_what_is_moved_is_named_without_what_stays(uma: User) -> None:
    job = make_job(uma, options=OPTIONS, metadata=METADATA)
    moved = exposed_credentials.move(job, by=Actor(uma, "page"))
    assert exposed_credentials.exposed(stored(job)) == ["metadata.hook?user"]
    assert "metadata.db.password" in moved
    assert "metadata.hook?user" not in moved


def test_what_the_secrets_hold_already_counts(uma: User) -> None:
    job = make_job(uma, options=OPTIONS, secrets={"headers": '{"Authorization": "Bearer kept"}'})
    exposed_credentials.move(job, by=Actor(uma, "page"))
    assert json.loads(stored(job).secrets["headers"]) == {
        "Authorization": "Bearer kept",
        "X-Api-Key": f"{CANARY}-3",
    }
