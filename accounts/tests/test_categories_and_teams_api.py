"""The routes of job categories and PIC teams: who may do what, and how it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Category, Team, User
from audit.models import Entry
from conftest import Api
from jobs.tests.factories import make_job

CATEGORIES = "/api/v2/job-categories"
TEAMS = "/api/v2/pic-teams"
NOBODY = "00000000-0000-4000-8000-000000000000"


def team(name: str = "Blue", **fields: Any) -> Team:
    return Team.objects.create(name=name, slack_handle="@blue", **fields)


@pytest.mark.parametrize("prefix", ["/api", "/api/v2"])
def test_everybody_sees_the_active_ones_by_name(api: Api, vic: User, prefix: str) -> None:
    Category.objects.create(name="apple")
    Category.objects.create(name="Zebra", is_active=False)
    found = api(vic).get(f"{prefix}/job-categories?include_inactive=true").json()
    assert list(found) == ["categories"]
    assert [row["name"] for row in found["categories"]][:3] == [
        "apple",
        "Backward Compatibility",
        "DR Testing",
    ]
    assert set(found["categories"][0]) == {"id", "slug", "name", "is_active", "created_at", "updated_at"}
    assert "Zebra" not in [row["name"] for row in found["categories"]]


def test_administrators_see_disabled_ones_when_they_ask(api: Api, ada: User) -> None:
    team("Red", is_active=False)
    team("blue")
    assert [row["name"] for row in api(ada).get(TEAMS).json()["pic_teams"]] == ["blue"]
    found = api(ada).get(f"{TEAMS}?include_inactive=1").json()["pic_teams"]
    assert [(row["name"], row["is_active"]) for row in found] == [("blue", True), ("Red", False)]
    assert set(found[0]) == {"id", "slug", "name", "slack_handle", "is_active", "created_at", "updated_at"}
    assert api(ada).get(f"{TEAMS}?include_inactive=maybe").status_code == 422


def test_a_category_is_made(api: Api, ada: User) -> None:
    answer = api(ada).post(CATEGORIES, {"name": " Load  Tests! "}, format="json")
    row = Category.objects.get(slug="load-tests")
    assert (answer.status_code, answer.json()["message"]) == (201, "Category created")
    shown = answer.json()["category"]
    assert (shown["id"], shown["slug"], shown["name"]) == (str(row.uid), "load-tests", "Load  Tests!")
    assert shown["is_active"] is True
    entry = Entry.objects.get(object_type="category")
    assert (entry.event, entry.actor, entry.changes["slug"]["new"]) == ("added", ada, "load-tests")


def test_a_team_is_made_with_its_slack_handle(api: Api, ada: User) -> None:
    body = {"name": "テスト", "slug": "Test Team", "slack_handle": "@here"}
    answer = api(ada).post(TEAMS, body, format="json")
    assert (answer.status_code, answer.json()["message"]) == (201, "PIC team created")
    shown = answer.json()["pic_team"]
    assert (shown["name"], shown["slug"], shown["slack_handle"]) == ("テスト", "test-team", "@here")


@pytest.mark.parametrize(
    ("path", "body", "status", "label"),
    [
        (CATEGORIES, {}, 400, "Missing required fields"),
        (CATEGORIES, {"name": "  "}, 400, "Missing required fields"),
        (CATEGORIES, {"name": None}, 400, "Missing required fields"),
        (CATEGORIES, {"name": 3}, 400, "Invalid name"),
        (CATEGORIES, {"name": "x" * 101}, 400, "Invalid name"),
        (CATEGORIES, {"name": "テスト"}, 400, "Invalid slug"),
        (CATEGORIES, {"name": "a", "slug": "--"}, 400, "Invalid slug"),
        (CATEGORIES, {"name": "a", "slug": []}, 400, "Invalid slug"),
        (CATEGORIES, {"name": "GENERAL"}, 409, "Duplicate slug"),
        (CATEGORIES, {"name": "a", "slug": "old"}, 409, "Duplicate slug"),
        (TEAMS, {"name": "a"}, 400, "Missing required fields"),
        (TEAMS, {"name": "a", "slack_handle": " "}, 400, "Missing required fields"),
        (TEAMS, {"name": "a", "slack_handle": 1}, 400, "Invalid slack_handle"),
        (TEAMS, {"name": "a", "slack_handle": "x" * 101}, 400, "Invalid slack_handle"),
    ],
)
def test_what_cannot_be_made(
    api: Api, ada: User, path: str, body: dict[str, Any], status: int, label: str
) -> None:
    Category.objects.create(name="old", is_active=False)
    answer = api(ada).post(path, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (status, label)
    assert answer.json()["message"]
    assert not Entry.objects.exists()


def test_a_new_name_moves_the_jobs_along(api: Api, ada: User) -> None:
    row = Category.objects.get(slug="refund")
    make_job(ada, name="a", category=row.pk)
    make_job(ada, name="b", category=row.pk)
    answer = api(ada).put(f"{CATEGORIES}/{row.uid}", {"name": "Money Back"}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["message"], answer.json()["jobs_updated"]) == ("Category updated", 2)
    assert answer.json()["category"]["slug"] == "money-back"
    jobs = api(ada).get("/api/v2/jobs").json()["jobs"]
    assert {job["category"] for job in jobs} == {"money-back"}
    assert Entry.objects.get(object_type="category").changes["name"]["new"] == "Money Back"
    again = api(ada).put(f"{CATEGORIES}/{row.uid}", {"name": "Money back"}, format="json").json()
    assert (again["jobs_updated"], again["category"]["name"]) == (0, "Money back")


def test_disabling_keeps_the_row_and_is_idempotent(api: Api, ada: User) -> None:
    row = team()
    for _time in range(2):
        answer = api(ada).delete(f"{TEAMS}/{row.uid}")
        assert (answer.status_code, answer.json()["message"]) == (200, "PIC team disabled")
        assert answer.json()["pic_team"]["is_active"] is False
    assert Entry.objects.filter(object_type="team").count() == 1
    answer = api(ada).put(f"{TEAMS}/{row.uid}", {"is_active": True, "slack_handle": "@new"}, format="json")
    assert (answer.json()["message"], answer.json()["jobs_updated"]) == ("PIC team updated", 0)
    assert answer.json()["pic_team"]["slack_handle"] == "@new"
    assert Team.objects.get().is_active


def test_general_keeps_its_name_but_may_be_disabled(api: Api, ada: User) -> None:
    row = Category.general()
    answer = api(ada).put(f"{CATEGORIES}/{row.uid}", {"name": "Other"}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid category")
    assert api(ada).put(f"{CATEGORIES}/{row.uid}", {"name": row.name}, format="json").status_code == 200
    assert api(ada).delete(f"{CATEGORIES}/{row.uid}").json()["category"]["is_active"] is False


@pytest.mark.parametrize(
    ("body", "status", "label"),
    [
        ({"name": " "}, 400, "Invalid name"),
        ({"name": None}, 400, "Invalid name"),
        ({"slack_handle": ""}, 400, "Invalid slack_handle"),
        ({"slug": "blue"}, 400, "Invalid payload"),
        ({"is_active": "no"}, 400, "Invalid is_active"),
        ({"name": "Red"}, 409, "Duplicate slug"),
        ({"name": "!!!"}, 400, "Invalid slug"),
        ([], 400, "Invalid payload"),
    ],
)
def test_what_cannot_be_changed(api: Api, ada: User, body: Any, status: int, label: str) -> None:
    row = team()
    team("Red", is_active=False)
    answer = api(ada).put(f"{TEAMS}/{row.uid}", body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (status, label)
    assert Team.objects.get(pk=row.pk).name == "Blue"
    assert not Entry.objects.exists()


@pytest.mark.parametrize("row_id", [NOBODY, "x", "1"])
def test_an_unknown_id_is_not_found(api: Api, ada: User, row_id: str) -> None:
    for answer in (
        api(ada).put(f"{TEAMS}/{row_id}", {}, format="json"),
        api(ada).delete(f"{TEAMS}/{row_id}"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (404, "Not found")
        assert answer.json()["message"]


def test_changes_are_for_administrators(api: Api, uma: User) -> None:
    for path in (CATEGORIES, TEAMS):
        assert api().get(path).status_code == 401
        for method, where in (("post", path), ("put", f"{path}/{NOBODY}"), ("delete", f"{path}/{NOBODY}")):
            answer = getattr(api(uma), method)(where, {}, format="json")
            assert (answer.status_code, answer.json()) == (403, {"detail": "Admin access required"})
        assert api(uma).get(f"{path}/{NOBODY}").status_code == 405
