"""What a request gives and its route does not know is named in the answer, and refuses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Team, User
from conftest import Api
from jobs.tests.factories import make_job

JOBS = "/api/v2/jobs"
HOURLY = {"every": 1, "period": "hours"}
JOB = {"name": "a", "cron_expression": "0 2 * * *", "target_url": "https://1.1.1.1/hook"}


def made(client: APIClient, **body: Any) -> dict[str, Any]:
    answer = client.post(JOBS, JOB | body, format="json")
    assert answer.status_code == 201, answer.json()
    told: dict[str, Any] = answer.json()
    return told


def test_a_key_that_is_given_twice_is_named(api: Api, uma: User) -> None:
    text = json.dumps(JOB | {"metadata": {"b": 1}})
    text = text.replace('"b": 1', '"b": 1, "b": 2').replace('"name": "a"', '"name": "b", "name": "a"')
    told = api(uma).post(JOBS, text, content_type="application/json").json()
    assert (told["job"]["name"], told["job"]["metadata"]) == ("a", {"b": 2})
    assert set(told["warnings"]) == {
        "name: given more than once, the last value counts.",
        "metadata.b: given more than once, the last value counts.",
    }


def test_without_anything_ignored_the_answer_is_as_documented(api: Api, uma: User) -> None:
    assert set(made(api(uma))) == {"message", "job"}


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ({"time_zone": "Europe/Berlin"}, "time_zone: unknown and ignored. Is timezone meant?"),
        ({"start": "2030-01-01"}, "start: unknown and ignored."),
        ({"Description": "x"}, "Description: unknown and ignored. Is description meant?"),
        ({"created_by": "nobody"}, "created_by: cannot be set here and was ignored."),
        ({"is_active": False}, "is_active: cannot be set here and was ignored."),
        ({"schedule": {"zone": "UTC"}}, "schedule.zone: unknown and ignored."),
        ({"depends_on": [], "x": {"y": [1]}}, "x: unknown and ignored."),
    ],
)
def test_an_unknown_key_of_a_job_is_named_at_any_depth(
    api: Api, uma: User, body: dict[str, Any], warning: str
) -> None:
    assert made(api(uma), **body)["warnings"] == [warning]


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ({"notification_emails": ["a@example.com"]}, "notification_emails: has no effect while"),
        ({"notify_on_success": True}, "notify_on_success: has no effect while"),
        ({"environment": ""}, ""),
        ({"cron_expression": None, "schedule": HOURLY | {"timezone": "Europe/Berlin"}}, "schedule.timezone: has no"),
        ({"cron_expression": None, "schedule": HOURLY | {"timezone": "UTC"}}, ""),
        ({"github_repo": "shop"}, "github_repo: ignored, since a workflow needs"),
        ({"secrets": ["signing_key"]}, "secrets: a list of names changes nothing."),
    ],
)  # fmt: skip
def test_a_known_key_without_effect_is_named(
    api: Api, uma: User, body: dict[str, Any], warning: str, settings: Any
) -> None:
    settings.SCHEDULER_TIMEZONE = "UTC"
    told = made(api(uma), **body).get("warnings", [])
    assert [text[: len(warning)] for text in told] == ([warning] if warning else [])


OTHER = "https://1.1.1.1/other"


@pytest.mark.parametrize(
    ("body", "way", "other"),
    [
        ({"schedule": {"expression": "0 4 * * *"}}, "schedule.expression", "cron_expression"),
        ({"timezone": "UTC", "schedule": {"timezone": "Asia/Tokyo"}}, "schedule.timezone", "timezone"),
        ({"options": {"target_url": OTHER}}, "options.target_url", "target_url"),
        ({"pic_team": "ops", "pic_team_slug": "web"}, "pic_team_slug", "pic_team"),
    ],
)
def test_of_two_places_that_say_different_things_one_is_named(
    api: Api, uma: User, body: dict[str, Any], way: str, other: str
) -> None:
    for name in ("ops", "web"):
        Team.objects.create(name=name, slug=name)
    assert made(api(uma), **body)["warnings"] == [f"{way}: ignored, since {other} says something else."]


@pytest.mark.parametrize(
    "body",
    [
        {"schedule": {"kind": "cron", "expression": "0  2 * * *"}, "schedule_kind": "cron"},
        {"options": {"target_url": JOB["target_url"]}},
        {
            "cron_expression": None,
            "at": "2099-01-01T10:00:00Z",
            "schedule": {"at": "2099-01-01T11:00:00+01:00"},
        },
    ],
)
def test_two_places_that_say_the_same_are_none(api: Api, uma: User, body: dict[str, Any]) -> None:
    assert "warnings" not in made(api(uma), **body)


def test_of_a_job_that_was_read_one_place_may_be_changed(api: Api, uma: User) -> None:
    url = f"{JOBS}/{made(api(uma))['job']['id']}"
    for change in (
        {"cron_expression": "0 5 * * *"},
        {"target_url": OTHER},
        {"schedule": {"kind": "interval", "every": 5, "period": "hours"}},
    ):
        read = api(uma).get(url).json()["job"]
        assert "warnings" not in api(uma).put(url, read | change, format="json").json()


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        (
            {"cron_expression": "0 6 * * *", "schedule": {"kind": "none"}},
            "schedule.kind: ignored, the schedule is of the kind cron.",
        ),
        (
            {"schedule_kind": "interval", "schedule": {"kind": "cron"}},
            "schedule_kind: ignored, the schedule is of the kind cron.",
        ),
        (
            {"cron_expression": "0 2 * * *", "schedule": HOURLY | {"kind": "interval"}},
            "",
        ),
    ],
)
def test_a_kind_of_schedule_that_another_place_overrules_is_named(
    api: Api, uma: User, body: dict[str, Any], warning: str
) -> None:
    url = f"{JOBS}/{made(api(uma))['job']['id']}"
    told = api(uma).put(url, body, format="json").json().get("warnings", [])
    assert told == ([warning] if warning else [])


def test_a_parameter_that_is_given_twice_is_named(api: Api, ada: User) -> None:
    told = api(ada).get("/api/v2/executions?state=failed&state=success").json()["warnings"]
    assert told == ["?state: given more than once, the last value counts."]


def test_a_job_that_was_read_and_is_sent_back_ignores_nothing(api: Api, uma: User) -> None:
    job = make_job(uma, enable_email_notifications=True, notification_emails=["a@example.com"])
    url = f"{JOBS}/{job.uid}"
    read = api(uma).get(url).json()["job"]
    assert set(api(uma).put(url, read, format="json").json()) == {"message", "job"}
    changed = api(uma).put(url, read | {"name": "other"}, format="json").json()
    assert (changed["job"]["name"], changed.get("warnings")) == ("other", None)


def test_what_was_read_and_is_sent_back_otherwise_is_named(api: Api, uma: User) -> None:
    job = make_job(uma)
    url = f"{JOBS}/{job.uid}"
    read = api(uma).get(url).json()["job"] | {"next_execution_at": "2030-01-01T00:00:00Z"}
    told = api(uma).put(url, read, format="json").json()["warnings"]
    assert told == ["next_execution_at: cannot be set here and was ignored."]


def test_an_end_date_before_the_next_due_time_is_accepted_and_said(api: Api, uma: User) -> None:
    told = made(api(uma), cron_expression="0 0 29 2 *", end_date="2026-12-31")
    assert told["job"]["end_date"] == "2026-12-31"
    assert told["warnings"][0].startswith("This job will not run again by its schedule")
    url = f"{JOBS}/{told['job']['id']}"
    again = api(uma).put(url, {"end_date": "2099-12-31"}, format="json").json()
    assert again.get("warnings") is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/auth/login", {"username": "ada", "password": "correct-horse-9"}),
        ("post", "/auth/register", {"username": "new", "email": "n@example.com", "password": "correct-horse-9"}),
        ("post", "/auth/tokens", {"name": "t"}),
        ("put", "/auth/users/{ada}", {"email": "x@example.com"}),
        ("put", "/auth/users/{ada}/preferences", {"email_on_job_success": True}),
        ("put", "/auth/users/{ada}/ui-preferences", {"jobs_table_columns": {"category": True}}),
        ("post", "/job-categories", {"name": "c"}),
        ("post", "/pic-teams", {"name": "c", "slack_handle": "@c"}),
        ("put", "/settings/slack", {"channel": "#a"}),
        ("post", "/jobs/validate-cron", {"expression": "0 2 * * *"}),
        ("post", "/jobs/cron-preview", {"expression": "0 2 * * *"}),
        ("post", "/jobs/{job}/pause", {}),
        ("post", "/jobs/{job}/resume", {}),
        ("put", "/jobs/{job}", {}),
        ("delete", "/jobs/{job}", {}),
        ("put", "/notifications/read-all", {}),
        ("post", "/scheduler/resync", {}),
    ],
)  # fmt: skip
def test_every_route_that_writes_names_what_it_does_not_know(
    api: Api, ada: User, method: str, path: str, body: dict[str, Any]
) -> None:
    path = path.format(ada=ada.uid, job=make_job(ada).uid)
    answer = getattr(api(ada), method)(f"/api/v2{path}?colour=1", body | {"colour": "red"}, format="json")
    assert answer.status_code < 300, answer.content
    assert answer.json()["warnings"] == ["colour: unknown and ignored.", "?colour: unknown and ignored."]


@pytest.mark.parametrize(
    "path",
    ["/jobs", "/executions", "/notifications", "/audit", "/job-categories", "/environments"],
)
def test_unknown_parameters_of_lists_are_named(api: Api, ada: User, path: str) -> None:
    assert api(ada).get(f"/api/v2{path}?pag=2").json()["warnings"][0].startswith("?pag: unknown and ignored.")
    assert "warnings" not in api(ada).get(f"/api/v2{path}").json()


def test_a_parameter_that_is_nearly_right_is_told_the_right_one(api: Api, ada: User) -> None:
    told = api(ada).get("/api/v2/executions?statu=failed&limit=1").json()["warnings"]
    assert told == ["?statu: unknown and ignored. Is status meant?"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("executions?state=Failed", ["?state: Failed is unknown and matches nothing. Is failed meant?"]),
        ("executions?status=failed,red", ["?status: red is unknown and matches nothing."]),
        ("executions?trigger_type=cron", ["?trigger_type: cron is unknown and matches nothing."]),
        ("incidents?kind=red", ["?kind: red is unknown and matches nothing."]),
        ("audit?event=red", ["?event: red is unknown and matches nothing."]),
        ("executions?state=failed,lost&status=", []),
        ("incidents?state=open&kind=failing", []),
    ],
)
def test_a_word_that_a_filter_does_not_know_is_named(
    api: Api, ada: User, query: str, told: list[str]
) -> None:
    assert api(ada).get(f"/api/v2/{query}").json().get("warnings", []) == told


def test_a_refusal_says_only_what_is_wrong(api: Api, uma: User) -> None:
    answer = api(uma).post(JOBS, {"name": "a", "x": 1}, format="json")
    assert "warnings" not in answer.json()


def test_thousands_of_keys_make_no_answer_of_thousands(api: Api, uma: User) -> None:
    told = made(api(uma), **{f"x{number}": 1 for number in range(3000)})["warnings"]
    assert len(told) == 51
    assert told[-1] == "There is more that was ignored."
