"""Preferences over the REST API (v2 wire facts, 4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from conftest import Api

pytestmark = pytest.mark.django_db


def url(user: User, kind: str = "preferences") -> str:
    return f"/api/v2/auth/users/{user.uid}/{kind}"


def test_the_first_read_makes_them_with_their_defaults(api: Api, vic: User) -> None:
    answer = api(vic).get(url(vic)).json()
    assert answer["message"] == "Notification preferences retrieved successfully"
    found = answer["preferences"]
    assert found.pop("user_id") == str(vic.uid)
    assert {name: value for name, value in found.items() if isinstance(value, bool)} == {
        "email_on_job_success": True,
        "email_on_job_failure": True,
        "email_on_job_disabled": False,
        "browser_notifications": False,
        "daily_digest": False,
        "weekly_report": False,
    }
    assert set(found) >= {"id", "created_at", "updated_at"}


def test_single_switches_are_changed_whatever_counts_as_true(api: Api, vic: User, ada: User) -> None:
    body = {"daily_digest": 1, "email_on_job_success": "", "unknown": True}
    answer = api(vic).put(url(vic), body, format="json").json()
    assert answer["message"] == "Notification preferences updated successfully"
    found = api(ada).get(url(vic)).json()["preferences"]
    assert found == answer["preferences"]
    assert (found["daily_digest"], found["email_on_job_success"], found["email_on_job_failure"]) == (
        True,
        False,
        True,
    )


def test_columns_start_from_the_defaults_each_time(api: Api, vic: User) -> None:
    usual = {
        "pic_team": True,
        "end_date": True,
        "cron_expression": False,
        "target_url": False,
        "last_execution_at": False,
    }
    path = url(vic, "ui-preferences")
    assert api(vic).get(path).json() == {"preferences": {"jobs_table_columns": usual}}
    for given in ({"target_url": 1, "x": True}, {"pic_team": False}):
        changed = {name: bool(given.get(name, value)) for name, value in usual.items()}
        answer = api(vic).put(path, {"jobs_table_columns": given}, format="json")
        assert answer.json() == {"preferences": {"jobs_table_columns": changed}}


@pytest.mark.parametrize("kind", ["preferences", "ui-preferences"])
def test_those_of_others_are_for_admins(api: Api, vic: User, uma: User, ada: User, kind: str) -> None:
    answer = api(uma).get(url(vic, kind))
    assert (answer.status_code, answer.json()) == (
        403,
        {"error": "Forbidden: Cannot access other users preferences"},
    )
    answer = api(uma).put(url(vic, kind), {}, format="json")
    assert answer.json() == {"error": "Forbidden: Cannot update other users preferences"}
    assert api(ada).get(url(vic, kind)).status_code == 200
    answer = api(ada).get(f"/api/v2/auth/users/nobody/{kind}")
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


@pytest.mark.parametrize(
    ("body", "label"),
    [({}, "Missing required fields"), ({"jobs_table_columns": [1]}, "Invalid payload")],
)
def test_columns_must_be_an_object(api: Api, vic: User, body: dict[str, Any], label: str) -> None:
    answer = api(vic).put(url(vic, "ui-preferences"), body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, label)
    assert "jobs_table_columns" in answer.json()["message"]
