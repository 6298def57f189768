"""POST /api/v2/jobs: what makes a job, and what is refused with which label."""

from __future__ import annotations

import datetime as dt
import socket
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Category, Team, User
from audit.models import Entry
from conftest import Api
from jobs.models import Job, today
from jobs.runners import addresses
from scheduler_site.lib.addresses import Address

URL = "/api/v2/jobs"
HOOK = "https://1.1.1.1/hook"
BODY = {"name": "hourly", "cron_expression": "0 * * * *", "target_url": HOOK}


@pytest.fixture
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: str, port: int) -> list[Address]:
        raise socket.gaierror(host)

    monkeypatch.setattr(addresses, "lookup", lookup)


def refused(api: Api, user: User, body: dict[str, Any]) -> tuple[str, str]:
    """The label and the message of a 400; nothing was made and nothing recorded."""
    answer = api(user).post(URL, body, format="json")
    assert answer.status_code == 400, answer.json()
    assert not Job.objects.exists()
    assert not Entry.objects.filter(object_type="job").exists()
    return answer.json()["error"], answer.json().get("message", "")


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_the_webhook_example_of_the_readme_works(api: Api, uma: User, no_dns: None, prefix: str) -> None:
    body = {
        "name": "Hourly Health Check",
        "cron_expression": "0 * * * *",
        "target_url": "https://api.example.com/health",
    }
    answer = api(uma).post(f"{prefix}/jobs", body, format="json")
    assert answer.status_code == 201
    assert answer.json()["message"] == "Job created successfully"
    job = answer.json()["job"]
    assert {key: job[key] for key in body} == body
    assert job["metadata"] == {}
    assert job["category"] == "general"
    assert job["pic_team"] is None
    assert job["created_by"] == str(uma.uid)
    assert job["is_active"] is True
    assert job["end_date"] == (today() + dt.timedelta(days=365)).isoformat()
    assert (job["github_owner"], job["github_repo"], job["github_workflow_name"]) == (None, None, None)
    assert Job.objects.get().uid.hex == job["id"].replace("-", "")


def test_the_github_example_of_the_readme_works(api: Api, uma: User) -> None:
    body = {
        "name": "QA Backend Tests",
        "cron_expression": "0 3 * * *",
        "github_owner": "myorg",
        "github_repo": "test-automation",
        "github_workflow_name": "qa-tests.yml",
        "metadata": {"environment": "QA", "branch": "master", "parallelContainers": "5"},
    }
    job = api(uma).post(URL, body, format="json").json()["job"]
    assert {key: job[key] for key in body} == body
    assert job["target_url"] is None
    assert job["kind"] == "github_actions"


def test_three_segments_are_short_for_a_workflow(api: Api, uma: User) -> None:
    job = api(uma).post(URL, BODY | {"target_url": "org/repo/run.yml"}, format="json").json()["job"]
    assert job["target_url"] is None
    assert (job["github_owner"], job["github_repo"], job["github_workflow_name"]) == (
        "org",
        "repo",
        "run.yml",
    )


def test_the_default_owner_is_taken_where_no_url_is_given(api: Api, uma: User, settings: Settings) -> None:
    settings.DEFAULT_GITHUB_OWNER = "acme"
    github = {"github_repo": "repo", "github_workflow_name": "run.yml"}
    body = {"name": "a", "cron_expression": "0 * * * *", **github}
    assert api(uma).post(URL, body, format="json").json()["job"]["github_owner"] == "acme"
    with_url = api(uma).post(URL, body | {"name": "b", "target_url": HOOK}, format="json").json()["job"]
    assert (with_url["kind"], with_url["target_url"]) == ("webhook", HOOK)


def test_a_github_job_may_keep_a_url_beside_it(api: Api, uma: User) -> None:
    github = {"github_owner": "o", "github_repo": "r", "github_workflow_name": "w.yml"}
    job = api(uma).post(URL, BODY | github, format="json").json()["job"]
    assert job["kind"] == "github_actions"
    assert job["target_url"] == HOOK


def test_the_keys_of_our_own_are_accepted_and_given_back(api: Api, uma: User) -> None:
    body = {
        "name": "native",
        "kind": "webhook",
        "options": {"target_url": HOOK, "method": "PUT", "headers": {"X-Team": "ops"}},
        "schedule": {"kind": "interval", "every": 90, "period": "seconds"},
        "overlap": "queue",
        "catch_up": "all",
        "start_deadline": 60,
        "timeout": 5,
        "max_attempts": 3,
        "retry_delay": 1,
        "retry_cap": 10,
        "rerun_lost": True,
        "stop_grace": 2,
        "secrets": {"signing_key": "very-secret"},
    }
    answer = api(uma).post(URL, body, format="json")
    job = answer.json()["job"]
    plain = set(body) - {"schedule", "secrets"}
    assert {key: job[key] for key in plain} == {key: body[key] for key in plain}
    assert job["secrets"] == ["signing_key"]
    assert "very-secret" not in answer.content.decode()
    assert (job["schedule"]["kind"], job["schedule"]["every"]) == ("interval", 90)
    assert job["schedule"]["in_words"] == "Every 1 minute 30 seconds"
    assert job["cron_expression"] == ""


def test_a_whole_number_may_be_written_with_a_point(api: Api, uma: User) -> None:
    body = {"name": "a", "target_url": HOOK, "schedule": {"every": 5.0, "period": "hours"}, "timeout": 6.0}
    job = api(uma).post(URL, body, format="json").json()["job"]
    assert (job["timeout"], job["schedule"]["every"]) == (6, 5)


def test_flat_keys_make_a_schedule_as_well(api: Api, uma: User) -> None:
    body = {"name": "tokyo", "cron_expression": "30 2 * * *", "timezone": "Europe/Berlin", "target_url": HOOK}
    job = api(uma).post(URL, body, format="json").json()["job"]
    assert job["schedule"]["timezone"] == "Europe/Berlin"
    assert job["schedule"]["in_words"] == "At 02:30 (Europe/Berlin)"


def test_a_single_time_is_shown_and_worded_in_the_zone_it_was_given_in(api: Api, uma: User) -> None:
    schedule = {"kind": "once", "at": "2099-07-01T10:00:00", "timezone": "Europe/Berlin"}
    body = {"name": "once", "target_url": HOOK, "schedule": schedule}
    told = api(uma).post(URL, body, format="json").json()["job"]["schedule"]
    assert (told["at"], told["timezone"]) == ("2099-07-01T10:00:00+02:00", "Europe/Berlin")
    assert told["in_words"] == "Once, at 2099-07-01 10:00 (Europe/Berlin)"


def test_a_job_may_run_once_or_only_by_hand(api: Api, uma: User) -> None:
    at = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).replace(microsecond=0)
    once = {"name": "once", "target_url": HOOK, "schedule": {"kind": "once", "at": at.isoformat()}}
    job = api(uma).post(URL, once, format="json").json()["job"]
    assert dt.datetime.fromisoformat(job["schedule"]["at"]) == at
    by_hand = {"name": "by hand", "target_url": HOOK, "schedule": {"kind": "none"}}
    assert api(uma).post(URL, by_hand, format="json").json()["job"]["schedule"]["kind"] == "none"


def test_sunday_is_zero(api: Api, uma: User) -> None:
    api(uma).post(URL, BODY | {"cron_expression": "0 0 * * 0"}, format="json")
    upcoming = Job.objects.get().next_run_at
    assert upcoming is not None
    assert upcoming.astimezone(dt.timezone(dt.timedelta(hours=9))).isoweekday() == 7


def test_is_active_is_ignored_and_unknown_keys_too(api: Api, uma: User) -> None:
    answer = api(uma).post(URL, BODY | {"is_active": False, "colour": "red"}, format="json")
    assert answer.json()["job"]["is_active"] is True


def test_mail_settings_are_dropped_while_mail_is_off(api: Api, uma: User) -> None:
    body = BODY | {"notification_emails": "no list", "notify_on_success": True}
    job = api(uma).post(URL, body, format="json").json()["job"]
    assert (job["notification_emails"], job["notify_on_success"]) == ([], False)


def test_mail_settings_are_kept_while_mail_is_on(api: Api, uma: User) -> None:
    mail = {
        "enable_email_notifications": True,
        "notification_emails": ["ops@example.com"],
        "notify_on_success": True,
    }
    job = api(uma).post(URL, BODY | mail, format="json").json()["job"]
    assert {key: job[key] for key in mail} == mail


def test_category_and_team_are_found_by_slug_or_name(api: Api, uma: User) -> None:
    Category.objects.create(name="Night Work", is_active=False)
    Team.objects.create(name="Ops Crew")
    body = BODY | {"category": "night work", "pic_team": "OPS CREW"}
    job = api(uma).post(URL, body, format="json").json()["job"]
    assert (job["category"], job["pic_team"]) == ("night-work", "ops-crew")


def test_a_user_with_a_category_creates_jobs_in_it_and_nowhere_else(api: Api, uma: User) -> None:
    uma.category = Category.objects.create(name="Night")
    uma.save()
    assert refused(api, uma, BODY | {"category": "general"})[0] == "Invalid category"
    assert api(uma).post(URL, BODY, format="json").json()["job"]["category"] == "night"


def test_missing_fields_are_listed(api: Api, uma: User, settings: Settings) -> None:
    answer = api(uma).post(URL, {"target_url": HOOK}, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Missing required fields"
    assert answer.json()["missing_fields"] == ["name", "cron_expression"]
    settings.JOB_END_DATE_POLICY = "required"
    answer = api(uma).post(URL, {"name": None}, format="json")
    assert answer.json()["missing_fields"] == ["name", "cron_expression", "end_date"]


def test_a_required_end_date_may_not_be_empty(api: Api, uma: User, settings: Settings) -> None:
    settings.JOB_END_DATE_POLICY = "required"
    assert refused(api, uma, BODY | {"end_date": ""})[0] == "Missing required fields"


def test_a_required_team_must_be_known_and_active(api: Api, uma: User, settings: Settings) -> None:
    settings.JOB_PIC_TEAM_REQUIRED = True
    Team.objects.create(name="Gone", is_active=False)
    for body in (BODY, BODY | {"pic_team": " "}, BODY | {"pic_team": "gone"}):
        assert refused(api, uma, body)[0] == "Invalid PIC team"
    label, message = refused(api, uma, BODY | {"pic_team": "nobody"})
    assert label == "Invalid PIC team"
    assert "unknown pic team" in message.lower()


YESTERDAY = (dt.datetime.now(dt.UTC) - dt.timedelta(days=2)).date().isoformat()


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"name": "  "}, "Job name cannot be empty"),
        ({"name": 5}, "Invalid name"),
        ({"name": "x" * 201}, "Invalid name"),
        ({"name": "backup\nJob ID: another"}, "Invalid name"),
        ({"name": "back\x07up"}, "Invalid name"),
        ({"cron_expression": ""}, "Invalid cron expression"),
        ({"cron_expression": "61 * * * *"}, "Invalid cron expression"),
        ({"cron_expression": "0 0 31 2 *"}, "Invalid cron expression"),
        ({"cron_expression": ["* * * * *"]}, "Invalid cron expression"),
        ({"cron_expression": "* " * 5000}, "Invalid cron expression"),
        ({"timezone": "Mars/Olympus"}, "Invalid timezone"),
        ({"timezone": {}}, "Invalid timezone"),
        ({"schedule": "daily"}, "Invalid schedule"),
        ({"schedule": {"kind": "sometimes"}, "cron_expression": None}, "Invalid schedule"),
        ({"schedule_kind": "sometimes"}, "Invalid schedule"),
        ({"schedule_kind": 0}, "Invalid schedule"),
        ({"schedule": {"kind": ["cron"]}}, "Invalid schedule"),
        ({"schedule": {"kind": "interval", "every": 5}}, "Invalid schedule"),
        ({"every": 5}, "Invalid schedule"),
        ({"day_rule": []}, "Invalid day_rule"),
        ({"schedule": {"period": {}}}, "Invalid period"),
        ({"schedule": {"every": 0}, "cron_expression": None}, "Invalid every"),
        ({"schedule": {"every": 10**30}, "cron_expression": None}, "Invalid every"),
        ({"schedule": {"every": 5, "period": "moons"}, "cron_expression": None}, "Invalid period"),
        ({"schedule": {"kind": "once", "at": "soon"}, "cron_expression": None}, "Invalid at"),
        ({"schedule": {"kind": "once", "at": 5}, "cron_expression": None}, "Invalid at"),
        ({"schedule": {"kind": "once", "at": "2001-01-01T00:00:00Z"}, "cron_expression": None}, "Invalid at"),
        ({"schedule": {"at": "9999-12-31T23:59:59-23:00"}, "cron_expression": None}, "Invalid at"),
        ({"target_url": "hook"}, "Invalid target_url"),
        ({"target_url": "ftp://1.1.1.1/"}, "Invalid target_url"),
        ({"target_url": 5}, "Invalid target_url"),
        ({"target_url": "https://1.1.1.1/" + "x" * 5000}, "Invalid target_url"),
        ({"target_url": "http://127.0.0.1/"}, "Invalid target_url"),
        ({"target_url": "http://169.254.169.254/latest"}, "Invalid target_url"),
        ({"target_url": "http://2130706433/"}, "Invalid target_url"),
        ({"target_url": ""}, "Missing target configuration"),
        ({"target_url": None}, "Missing target configuration"),
        ({"target_url": "", "github_repo": "r"}, "Missing target configuration"),
        ({"github_owner": "-", "github_repo": "r", "github_workflow_name": "w.yml"}, "Invalid github_owner"),
        ({"github_owner": "o", "github_repo": "..", "github_workflow_name": "w.yml"}, "Invalid github_repo"),
        (
            {"github_owner": "o", "github_repo": "r", "github_workflow_name": "../w"},
            "Invalid github_workflow_name",
        ),
        ({"github_repo": ["r"]}, "Invalid github_repo"),
        ({"kind": "teapot"}, "Invalid kind"),
        ({"kind": ["webhook"]}, "Invalid kind"),
        ({"kind": ""}, "Invalid kind"),
        ({"kind": []}, "Invalid kind"),
        ({"options": "x"}, "Invalid options"),
        ({"options": {"target_url": HOOK, "colour": 1}}, "Invalid options"),
        ({"category": "nowhere"}, "Invalid category"),
        ({"category": 5}, "Invalid category"),
        ({"metadata": "{}"}, "Invalid metadata"),
        ({"metadata": [1]}, "Invalid metadata"),
        ({"enable_email_notifications": "yes"}, "Invalid enable_email_notifications"),
        (
            {"enable_email_notifications": True, "notification_emails": "a@b.example"},
            "Invalid notification_emails",
        ),
        ({"enable_email_notifications": True, "notification_emails": [5]}, "Invalid notification_emails"),
        ({"end_date": "tomorrow"}, "Invalid end_date"),
        ({"end_date": 20301231}, "Invalid end_date"),
        ({"end_date": YESTERDAY}, "Invalid end_date"),
        ({"end_date": "9999-12-31"}, "Invalid end_date"),
        ({"pic_team": "nobody"}, "Invalid PIC team"),
        ({"pic_team_slug": 5}, "Invalid PIC team"),
        ({"overlap": "maybe"}, "Invalid overlap"),
        ({"catch_up": {}}, "Invalid catch_up"),
        ({"start_deadline": -1}, "Invalid start_deadline"),
        ({"timeout": "5"}, "Invalid timeout"),
        ({"timeout": 10**20}, "Invalid timeout"),
        ({"max_attempts": True}, "Invalid max_attempts"),
        ({"retry_delay": 1.5}, "Invalid retry_delay"),
        ({"rerun_lost": "no"}, "Invalid rerun_lost"),
        ({"secrets": "x"}, "Invalid secrets"),
        ({"secrets": {"a": 1}}, "Invalid secrets"),
    ],
)
def test_what_is_wrong_is_named(api: Api, uma: User, change: dict[str, Any], label: str) -> None:
    found, message = refused(api, uma, BODY | change)
    assert found == label
    assert message or label == "Job name cannot be empty"


def test_a_name_is_taken_once_and_compared_exactly(api: Api, uma: User) -> None:
    api(uma).post(URL, BODY, format="json")
    answer = api(uma).post(URL, BODY | {"name": " hourly "}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, "Duplicate job name")
    assert api(uma).post(URL, BODY | {"name": "Hourly"}, format="json").status_code == 201


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"name": "", "cron_expression": "x", "category": "x"}, "Job name cannot be empty"),
        ({"cron_expression": "x", "target_url": "x", "metadata": 1}, "Invalid cron expression"),
        ({"target_url": "x", "category": "x"}, "Invalid target_url"),
        ({"category": "x", "metadata": 1, "end_date": "x"}, "Invalid category"),
        ({"metadata": 1, "end_date": "x", "target_url": ""}, "Invalid metadata"),
        ({"end_date": "x", "pic_team": "x"}, "Invalid end_date"),
        ({"pic_team": "x", "target_url": ""}, "Invalid PIC team"),
    ],
)
def test_of_several_faults_the_first_in_the_documented_order_is_told(
    api: Api, uma: User, change: dict[str, Any], label: str
) -> None:
    assert refused(api, uma, BODY | change)[0] == label


def test_code_needs_a_right_of_its_own(api: Api, uma: User, ada: User) -> None:
    body = {
        "name": "code",
        "cron_expression": "0 * * * *",
        "kind": "python_class",
        "options": {"job_class": "jobs.classes.sample.AwesomeJob"},
    }
    answer = api(uma).post(URL, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (403, "Insufficient permissions")
    assert not Job.objects.exists()
    uma.may_run_code = True
    uma.save()
    assert api(uma).post(URL, body, format="json").status_code == 201


def test_creating_is_recorded_without_secrets(api: Api, uma: User) -> None:
    api(uma).post(URL, BODY | {"secrets": {"signing_key": "very-secret"}}, format="json")
    entry = Entry.objects.get(object_type="job")
    assert (entry.event, entry.actor, entry.surface) == ("added", uma, "api")
    assert "very-secret" not in str(entry.changes)


@pytest.mark.parametrize("workflow", ["run.yml", "run.yaml", "nightly run", "12345"])
def test_a_workflow_is_a_file_with_or_without_its_extension_or_a_number(
    api: Api, uma: User, workflow: str
) -> None:
    job = api(uma).post(URL, BODY | {"target_url": f"org/repo/{workflow}"}, format="json").json()["job"]
    assert job["github_workflow_name"] == workflow
