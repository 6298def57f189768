"""Each change leaves one entry, whichever way it came, with who did it, how, and what; what is refused leaves none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Category, Team, User
from audit.models import Entry
from conftest import PASSWORD, Api
from executions.upkeep import reconcile
from jobs.models import Job, Pause
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries
from notifications.models import Alert

HOOK = "https://hooks.slack.com/services/T0/B0/canary"
NEXT_PASSWORD = "canary-horse-10"
SECRETS = ("canary", PASSWORD, "whsec")


def trail() -> list[Entry]:
    return list(Entry.objects.order_by("id"))


class Watched:
    """`left(...)`: what is done in between leaves exactly one entry, with this event, actor, surface and these fields."""

    def __init__(self) -> None:
        self.count = Entry.objects.count()
        self.entries: list[Entry] = []

    def left(self, event: str, actor: str, surface: str, **changes: Any) -> Entry:
        found = trail()[self.count :]
        assert [(one.event, one.actor_name, one.surface) for one in found] == [(event, actor, surface)]
        (entry,) = found
        self.count += 1
        self.entries.append(entry)
        for field, (old, new) in changes.items():
            assert entry.changes[field.replace("__", ".")] == {"old": old, "new": new}, entry.changes
        return entry


@pytest.fixture
def alert(db: None) -> Alert:
    now = timezone.now()
    values = {"event": "test", "channel": "slack", "state": "undeliverable"}
    return Alert.objects.create(key="a", give_up_at=now, created_at=now, **values)


def test_two_dozen_changes_by_four_ways_leave_two_dozen_entries(
    api: Api, ada: User, uma: User, alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched()
    page, admin, machine = browser(uma), browser(ada), api(uma)
    left = watched.left

    # Pages
    Client().post("/login", {"username": "uma", "password": PASSWORD})
    left("login", "uma", "page")
    Client().post("/login", {"username": "uma", "password": "whsec-wrong"})
    left("login_failed", "uma", "page")
    page.post("/jobs/new", entries(secrets="token=canary-1"))
    job = Job.objects.get(name="nightly")
    entry = left("added", "uma", "page", name=(None, "nightly"), secrets__token=(None, "********"))
    assert (entry.object_type, entry.object_id, entry.object_uid) == ("job", job.pk, job.uid)
    page.post(f"/jobs/{job.uid}/edit", edits(job, expression="45 2 * * *", end_date=job.end_date))
    entry = left("modified", "uma", "page")
    schedule = entry.changes["schedule"]
    assert (schedule["old"]["expression"], schedule["new"]["expression"]) == ("30 2 * * *", "45 2 * * *")
    assert list(entry.changes) == ["schedule"]
    page.post(f"/jobs/{job.uid}/pause", {"reason": "holiday"})
    assert left("paused", "uma", "page").description == "holiday"
    page.post(f"/jobs/{job.uid}/resume")
    left("resumed", "uma", "page")
    page.post(f"/jobs/{job.uid}/run", {"metadata": '{"a": 1}'})
    left("custom_run", "uma", "page", metadata=({}, {"a": 1}))
    run = job.executions.get()
    page.post(f"/executions/{run.uid}/stop")
    left("stopped", "uma", "page")
    admin.post("/settings/slack", {"webhook_url": HOOK, "is_enabled": "on", "channel": "#ops"})
    left("modified", "ada", "page", channel=("", "#ops"), webhook_url=("", "********"))
    admin.post(f"/alerts/{alert.uid}/again")
    left("modified", "ada", "page", state=("undeliverable", "pending"))

    # The native API
    def put(url: str, **body: Any) -> Any:
        return machine.put(f"/api/v2/{url}", body, format="json")

    assert put(f"jobs/{job.uid}", timeout=60, secrets={"token": "canary-2"}).status_code == 200
    left("modified", "uma", "api", timeout=(None, 60), secrets__token=("********", "********"))
    put(f"auth/users/{uma.uid}/preferences", daily_digest=True)
    left("modified", "uma", "api", daily_digest=(False, True))
    made = machine.post("/api/v2/auth/tokens", {"name": "deploy"}, format="json").json()
    left("added", "uma", "api", owner=(None, "uma"))
    machine.delete(f"/api/v2/auth/tokens/{made['token']['id']}")
    left("modified", "uma", "api")
    api(ada).post("/api/v2/job-categories", {"name": "Batch"}, format="json")
    left("added", "ada", "api", slug=(None, "batch"))
    put(f"auth/users/{uma.uid}", password=NEXT_PASSWORD)
    left("password_changed", "uma", "api", password=("********", "********"))
    machine = api(User.objects.get(pk=uma.pk))
    other = make_job(uma, name="first", depends_on=[{"job": str(job.uid), "on": "success"}])
    left("added", "uma", "api", depends_on=(None, ["nightly (success)"]))
    api(ada).post("/api/v2/scheduler/resync")
    left("resynced", "ada", "api")

    # The Django admin
    qa = {"name": "QA", "slug": "qa", "slack_handle": "@qa", "is_active": "on"}
    admin.post("/admin/accounts/team/add/", qa)
    left("added", "ada", "admin", slack_handle=(None, "@qa"))
    chosen = [Team.objects.get(slug="qa").pk]
    admin.post("/admin/accounts/team/", {"action": "disable", "_selected_action": chosen})
    left("modified", "ada", "admin", is_active=(True, False))
    role = {"username": "uma", "email": "uma@example.com", "role": "user", "edit_scope": "category"}
    admin.post(f"/admin/accounts/user/{uma.pk}/change/", role | {"is_active": "on", "may_run_code": "on"})
    left("modified", "ada", "admin", may_run_code=(False, True), edit_scope=("own", "category"))

    # Commands, and Belfry itself
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEXT_PASSWORD)
    call_command("createsuperuser", interactive=False, username="una", email="una@example.com", verbosity=0)
    assert left("added", "command", "command", role=(None, "admin")).operator
    monkeypatch.setattr("getpass.getpass", lambda *_prompt: "another-canary-11")
    call_command("changepassword", "una", verbosity=0)
    left("password_changed", "command", "command")
    Job.objects.filter(pk=other.pk).update(end_date="2026-01-01")
    reconcile.pause_ended()
    left("paused", "system", "system")
    before = watched.count
    api(ada).delete(f"/api/v2/jobs/{job.uid}")
    deleted, let_go = trail()[before:]
    assert (deleted.event, deleted.object_name) == ("deleted", "nightly")
    assert deleted.snapshot is not None
    assert deleted.snapshot["timeout"] == 60
    assert (let_go.event, let_go.object_name) == ("modified", "first")
    assert let_go.changes == {"depends_on": {"old": ["nightly (success)"], "new": []}}

    assert len(watched.entries) == 24
    everything = json.dumps([[one.changes, one.snapshot, one.description] for one in trail()])
    assert not any(secret in everything for secret in SECRETS)


def test_what_is_refused_or_changes_nothing_leaves_no_entry(
    api: Api, ada: User, uma: User, vic: User
) -> None:
    job = make_job(uma, secrets={"token": "canary"}, depends_on=[])
    team = Team.objects.create(name="Ops")
    page, admin, machine = browser(uma), browser(ada), api(uma)
    count = Entry.objects.count()
    attempts = [
        browser(vic).post(f"/jobs/{job.uid}/pause", {}),
        page.post(f"/jobs/{job.uid}/edit", edits(job, expression="61 * * * *")),
        page.post(f"/jobs/{job.uid}/resume"),
        page.post("/settings/slack", {"channel": "#x"}),
        admin.post("/settings/slack", {"is_enabled": "on", "webhook_url": "ftp://x"}),
        admin.post("/settings/slack", {"channel": ""}),
        machine.put(
            f"/api/v2/jobs/{job.uid}", {"name": job.name, "secrets": {"token": "canary"}}, format="json"
        ),
        machine.put(f"/api/v2/jobs/{job.uid}", {"depends_on": [{"job": str(job.uid)}]}, format="json"),
        machine.put(f"/api/v2/auth/users/{uma.uid}/preferences", {"daily_digest": False}, format="json"),
        machine.put(f"/api/v2/auth/users/{vic.uid}/preferences", {"daily_digest": True}, format="json"),
        machine.put(f"/api/v2/auth/users/{uma.uid}", {"email": "uma@example.com"}, format="json"),
        api(vic).delete(f"/api/v2/jobs/{job.uid}"),
        api(ada).delete(f"/api/v2/auth/users/{ada.uid}"),
        api(ada).put(f"/api/v2/pic-teams/{team.uid}", {"slack_handle": ""}, format="json"),
        admin.post(f"/admin/accounts/team/{team.pk}/change/", {"name": "Ops", "is_active": "on"}),
        admin.post("/admin/accounts/team/add/", {"name": ""}),
    ]
    with pytest.raises(CommandError):
        call_command(
            "createsuperuser", interactive=False, username="ada", email="ada@example.com", verbosity=0
        )
    assert [answer.status_code for answer in attempts if answer.status_code >= 500] == []
    assert [(one.event, one.object_name, one.changes) for one in trail()[count:]] == []


def test_an_update_that_changes_nothing_does_not_name_a_new_editor(uma: User, ada: User) -> None:
    job = make_job(uma)
    browser(ada).post(
        f"/jobs/{job.uid}/edit",
        edits(job, name=job.name, expression="0 * * * *", timezone="UTC", stop_grace=1),
    )
    found = Job.objects.get(pk=job.pk)
    assert (found.updated_by, found.updated_at) == (uma, job.updated_at)


def test_each_job_of_a_file_has_its_entry(api: Api, uma: User) -> None:
    from scheduler_site.tests.matrix import upload

    api(uma).post("/api/v2/jobs/bulk-upload", {"file": upload(), "dry_run": "true"}, format="multipart")
    assert not Entry.objects.filter(object_type="job").exists()
    api(uma).post("/api/v2/jobs/bulk-upload", {"file": upload()}, format="multipart")
    assert [(one.event, one.surface) for one in Entry.objects.filter(object_type="job")] == [("added", "api")]


def test_a_pause_that_is_over_is_ended_by_the_system(uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    Pause.objects.update(until=timezone.now())
    reconcile.resume_pauses(timezone.now())
    entry = Entry.objects.get(event="resumed")
    assert (entry.actor, entry.actor_name, entry.surface) == (None, "system", "system")


def test_who_is_deleted_leaves_the_names_of_his_jobs(api: Api, ada: User, uma: User) -> None:
    make_job(uma)
    api(ada).delete(f"/api/v2/auth/users/{uma.uid}")
    assert Entry.objects.get(event="deleted").changes["jobs"] == {"old": ["hourly"], "new": None}


def test_a_team_that_jobs_name_cannot_be_deleted(ada: User, uma: User) -> None:
    team = Team.objects.create(name="Ops")
    make_job(uma, team=team.pk)
    answer = browser(ada).post(f"/admin/accounts/team/{team.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert Team.objects.filter(pk=team.pk).exists()
    assert not Entry.objects.filter(event="deleted").exists()


def test_the_models_of_others_cannot_be_changed_in_the_django_admin(ada: User) -> None:
    text = browser(ada).get("/admin/").content.decode()
    changeable = {
        part.split('"')[0] for part in text.split('href="/admin/')[1:] if "/add/" in part.split('"')[0]
    }
    assert changeable == {"accounts/category/add/", "accounts/team/add/", "accounts/user/add/"}


def test_a_category_is_changed_on_record_wherever_it_is_changed(api: Api, ada: User) -> None:
    category = Category.objects.create(name="Batch")
    body = {"name": "Batch", "description": "x", "is_active": "on"}
    browser(ada).post(f"/admin/accounts/category/{category.pk}/change/", body)
    api(ada).put(f"/api/v2/job-categories/{category.uid}", {"name": "Bulk"}, format="json")
    found = [(one.surface, list(one.changes)) for one in trail()]
    assert found == [("admin", ["description"]), ("api", ["name", "slug"])]
