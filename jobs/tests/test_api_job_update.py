"""PUT /api/v2/jobs/{id}: changes what the body names, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Category, Team, User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from jobs import verbs
from jobs.models import Job, Pause, today
from jobs.tests.factories import make_job

HOOK = "https://1.1.1.1/hook"
GITHUB = {"owner": "o", "repo": "r", "workflow": "w.yml"}


def url(job: Job) -> str:
    return f"/api/v2/jobs/{job.uid}"


def stored(job: Job) -> dict[str, Any]:
    """All that there is of a job, to be compared."""
    row = Job.objects.filter(pk=job.pk).values().get()
    return row | {"timing": Job.objects.get(pk=job.pk).timing, "pauses": Pause.objects.count()}


def change(api: Api, user: User, job: Job, **body: Any) -> dict[str, Any]:
    answer = api(user).put(url(job), body, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["message"] == "Job updated successfully"
    found: dict[str, Any] = answer.json()["job"]
    return found


def refused(api: Api, user: User, job: Job, status: int = 400, **body: Any) -> str:
    """The label of a refusal that changed nothing and left no trace."""
    before, entries = stored(job), Entry.objects.count()
    answer = api(user).put(url(job), body, format="json")
    assert answer.status_code == status, answer.json()
    assert stored(job) == before
    assert Entry.objects.count() == entries
    label: str = answer.json()["error"]
    return label


def ended(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(end_date=today() - dt.timedelta(days=1))
    return Job.objects.get(pk=job.pk)


def test_only_what_is_named_changes(api: Api, uma: User) -> None:
    job = make_job(uma, metadata={"a": 1}, timeout=7)
    before = stored(job)
    assert change(api, uma, job, name="renamed")["name"] == "renamed"
    after = stored(job)
    differing = {key for key in before if before[key] != after[key]}
    assert differing == {"name", "updated_at"} | ({"updated_by_id"} & differing)


def test_an_empty_body_is_fine_and_changes_nothing(api: Api, uma: User) -> None:
    job = make_job(uma)
    entries = Entry.objects.count()
    change(api, uma, job)
    assert Entry.objects.count() == entries


def test_a_job_that_is_read_and_sent_back_stays_the_same(api: Api, ada: User) -> None:
    at = (dt.datetime.now(dt.UTC) + dt.timedelta(days=9)).replace(microsecond=0, tzinfo=None)
    jobs = [
        make_job(ada, name="cron", secrets={"signing_key": "s3cret"}, timezone="Europe/Berlin"),
        make_job(ada, name="interval", schedule_kind="interval", every=5, period="hours"),
        make_job(ada, name="once", schedule_kind="once", at=at, timezone="UTC"),
        make_job(ada, name="by hand", schedule_kind="none"),
        make_job(ada, name="github", kind="github_actions", options=GITHUB | {"target_url": HOOK}),
        make_job(
            ada,
            name="code",
            kind="python_class",
            options={"job_class": "jobs.classes.sample.AwesomeJob", "args": [1, 2]},
        ),
    ]
    for job in jobs:
        before = api(ada).get(url(job)).json()["job"]
        assert api(ada).put(url(job), before, format="json").status_code == 200
        after = api(ada).get(url(job)).json()["job"]
        assert {key: after[key] for key in after if key != "updated_at"} == {
            key: before[key] for key in before if key != "updated_at"
        }


def test_another_expression_moves_the_next_run_and_another_name_does_not(api: Api, uma: User) -> None:
    job = make_job(uma)
    before = job.next_run_at
    change(api, uma, job, name="renamed", metadata={"x": 1})
    assert Job.objects.get().next_run_at == before
    assert change(api, uma, job, cron_expression="17 3 1 1 *")["cron_expression"] == "17 3 1 1 *"
    moved = Job.objects.get().next_run_at
    assert moved is not None
    assert (moved.month, moved.minute) == (1, 17) or moved != before


def test_a_changed_expression_counts_although_the_old_schedule_is_sent_along(api: Api, uma: User) -> None:
    job = make_job(uma)
    body = api(uma).get(url(job)).json()["job"]
    assert change(api, uma, job, **body | {"cron_expression": "5 * * * *"})["cron_expression"] == "5 * * * *"
    body = api(uma).get(url(job)).json()["job"]
    body["schedule"]["expression"] = "6 * * * *"
    assert change(api, uma, job, **body)["cron_expression"] == "6 * * * *"


def test_a_url_becomes_a_workflow_and_a_workflow_a_url(api: Api, uma: User) -> None:
    job = make_job(uma)
    found = change(api, uma, job, target_url="org/repo/run.yml")
    assert (found["kind"], found["target_url"], found["github_owner"]) == ("github_actions", None, "org")
    found = change(api, uma, job, target_url=HOOK)
    assert (found["kind"], found["target_url"]) == ("github_actions", HOOK)
    found = change(api, uma, job, github_owner="", github_repo="", github_workflow_name="")
    assert (found["kind"], found["target_url"], found["github_owner"]) == ("webhook", HOOK, None)


def test_other_options_of_a_webhook_survive_a_new_url(api: Api, uma: User) -> None:
    job = make_job(uma, options={"target_url": HOOK, "method": "PUT"})
    found = change(api, uma, job, target_url="https://1.1.1.1/other")
    assert found["options"] == {"target_url": "https://1.1.1.1/other", "method": "PUT"}


def test_a_job_must_keep_a_target(api: Api, uma: User) -> None:
    assert refused(api, uma, make_job(uma), target_url="") == "Missing target configuration"


def test_null_is_absent_and_metadata_null_is_empty(api: Api, uma: User) -> None:
    job = make_job(uma, metadata={"a": 1})
    found = change(
        api, uma, job, name=None, target_url=None, cron_expression=None, category=None, metadata=None
    )
    assert (found["name"], found["target_url"], found["metadata"]) == ("hourly", HOOK, {})


def test_switching_off_pauses_and_switching_on_resumes(api: Api, uma: User) -> None:
    job = make_job(uma)
    found = change(api, uma, job, is_active=False, name="renamed")
    assert (found["is_active"], found["pause"]["by"], found["name"]) == (False, "uma", "renamed")
    assert Job.objects.get().next_run_at is None
    found = change(api, uma, job, is_active=True)
    assert (found["is_active"], found["pause"]) == (True, None)
    assert Job.objects.get().next_run_at is not None
    events = list(Entry.objects.filter(object_type="job").order_by("id").values_list("event", flat=True))
    assert events == ["added", "modified", "paused", "resumed"]


def test_a_refused_switch_undoes_the_other_changes(api: Api, uma: User) -> None:
    by_hand = make_job(uma, schedule_kind="none")
    assert refused(api, uma, by_hand, is_active=False, name="renamed") == "Invalid is_active"


def test_an_expired_job_is_edited_while_paused_only(api: Api, uma: User) -> None:
    job = ended(make_job(uma))
    assert refused(api, uma, job, name="renamed") == "Job expired"
    verbs.pause(job, by=Actor(uma, "api"))
    assert refused(api, uma, job, is_active=True) == "Job expired"
    assert change(api, uma, job, name="renamed")["name"] == "renamed"
    tomorrow = (today() + dt.timedelta(days=1)).isoformat()
    assert change(api, uma, job, is_active=True, end_date=tomorrow)["is_active"] is True


def test_an_end_date_is_removed_only_where_it_is_optional(api: Api, uma: User, settings: Settings) -> None:
    job = make_job(uma)
    assert change(api, uma, job, end_date="2099-12-31")["end_date"] == "2099-12-31"
    assert refused(api, uma, job, end_date=None) == "Invalid end_date"
    settings.JOB_END_DATE_POLICY = "optional"
    assert change(api, uma, job, end_date=None)["end_date"] is None


def test_mail_switched_off_clears_its_settings(api: Api, uma: User) -> None:
    job = make_job(uma, enable_email_notifications=True, notification_emails=["a@example.com"])
    found = change(
        api,
        uma,
        job,
        enable_email_notifications=False,
        notification_emails=["b@example.com"],
        notify_on_success=True,
    )
    assert (found["notification_emails"], found["notify_on_success"]) == ([], False)


def test_a_stored_team_or_category_that_was_disabled_does_no_harm(api: Api, uma: User) -> None:
    team, category = Team.objects.create(name="Ops"), Category.objects.create(name="Night")
    job = make_job(uma, team=team.pk, category=category.pk)
    Team.objects.update(is_active=False)
    Category.objects.update(is_active=False)
    found = change(api, uma, job, name="renamed")
    assert (found["pic_team"], found["category"]) == ("ops", "night")
    assert refused(api, uma, job, pic_team="ops") == "Invalid PIC team"


def test_a_team_is_taken_away_unless_one_is_required(api: Api, uma: User, settings: Settings) -> None:
    job = make_job(uma, team=Team.objects.create(name="Ops").pk)
    settings.JOB_PIC_TEAM_REQUIRED = True
    assert refused(api, uma, job, pic_team="") == "Invalid PIC team"
    settings.JOB_PIC_TEAM_REQUIRED = False
    assert change(api, uma, job, pic_team=None)["pic_team"] is None


def test_secrets_are_merged_and_an_empty_text_removes_one(api: Api, uma: User) -> None:
    job = make_job(uma, secrets={"signing_key": "one", "token": "two"})
    found = change(api, uma, job, secrets={"signing_key": "", "other": "three"})
    assert found["secrets"] == ["other", "token"]
    entry = Entry.objects.latest("id")
    assert "three" not in str(entry.changes)
    assert entry.changes["secrets.other"] == {"old": None, "new": "********"}
    assert entry.changes["secrets.signing_key"] == {"old": "********", "new": None}


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ({"name": ""}, "Job name cannot be empty"),
        ({"name": "other"}, "Duplicate job name"),
        ({"cron_expression": "nope"}, "Invalid cron expression"),
        ({"cron_expression": ""}, "Invalid cron expression"),
        ({"target_url": "http://10.0.0.1/"}, "Invalid target_url"),
        ({"metadata": 5, "category": "x"}, "Invalid metadata"),
        ({"category": "x", "end_date": "x"}, "Invalid category"),
        ({"end_date": "2001-01-01"}, "Invalid end_date"),
        ({"pic_team": "x", "notification_emails": 5}, "Invalid PIC team"),
        ({"is_active": "off"}, "Invalid is_active"),
        ({"timeout": -5}, "Invalid timeout"),
        ({"kind": "rocket"}, "Invalid kind"),
        ({"schedule": {"kind": "interval", "every": "x"}}, "Invalid every"),
    ],
)
def test_a_rejected_change_changes_nothing(api: Api, ada: User, body: dict[str, Any], label: str) -> None:
    make_job(ada, name="other")
    job = make_job(ada)
    good: dict[str, Any] = {"timeout": 99, "overlap": "queue", "is_active": False}
    assert refused(api, ada, job, **good | body) == label


def test_what_somebody_else_changes_meanwhile_is_not_undone(
    api: Api, ada: User, uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(uma)
    update = verbs.update

    def slow_update(stale: Job, changes: verbs.JobChanges, *, by: Actor, **more: Any) -> Job:
        update(stale, verbs.JobChanges({"metadata": {"from": "ada"}}), by=Actor(ada, "api"))
        return update(stale, changes, by=by, **more)

    monkeypatch.setattr(verbs, "update", slow_update)
    found = change(api, uma, job, name="renamed")
    assert (found["name"], found["metadata"]) == ("renamed", {"from": "ada"})


def test_a_viewer_is_refused_before_the_job_is_looked_for(api: Api, vic: User) -> None:
    answer = api(vic).put("/api/v2/jobs/nothing", {}, format="json")
    assert (answer.status_code, answer.json()) == (403, {"detail": "User or admin access required"})


def test_a_job_of_somebody_else_may_be_seen_but_not_changed(api: Api, ada: User, uma: User) -> None:
    assert refused(api, uma, make_job(ada), status=403, name="mine") == "Insufficient permissions"


def test_the_scope_category_allows_jobs_of_others_in_it(api: Api, ada: User, uma: User) -> None:
    night = Category.objects.create(name="Night")
    uma.category, uma.edit_scope = night, User.EditScope.CATEGORY
    uma.save()
    assert change(api, uma, make_job(ada, category=night.pk), name="ours")["category"] == "night"
    hidden = make_job(ada, name="hidden")
    assert refused(api, uma, hidden, status=404, name="x") == "Job not found"


def test_a_job_cannot_become_code_without_the_right(api: Api, uma: User) -> None:
    options = {"job_class": "jobs.classes.sample.AwesomeJob"}
    label = refused(api, uma, make_job(uma), status=403, kind="python_class", options=options)
    assert label == "Insufficient permissions"
