"""`/categories`: numbers that stay, and who may change what."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest

from accounts.models import Category, User
from audit.models import Entry

from .conftest import Speak, told


def named(client: Any) -> dict[int, str]:
    return {row["id"]: row["name"] for row in client.get("/categories")["categories"]}


def test_the_first_ones_are_all_and_dev(ada: User, v1: Speak) -> None:
    assert not Category.objects.filter(slug="dev").exists()
    found = named(v1(ada))
    dev = Category.general().pk
    assert list(found)[:2] == sorted({0, min(found.keys() - {0})})
    assert (found[0], found[dev]) == ("all", "dev")
    assert found[Category.objects.get(slug="dev").pk] == "General"


def test_a_category_that_was_called_dev_before_keeps_its_own_number(ada: User, v1: Speak) -> None:
    own = Category.objects.create(name="dev")
    assert named(v1(ada)).items() >= {own.pk: "dev", Category.general().pk: "General"}.items()


def test_a_category(ada: User, v1: Speak, ops: Category) -> None:
    client = v1(ada)
    seen = client.get(f"/categories/{ops.pk}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen["created_at"])
    assert dt.datetime.fromisoformat(seen["updated_at"])
    stamps = {name: seen[name] for name in ("created_at", "updated_at")}
    assert seen == {"id": ops.pk, "name": "Ops", "description": None} | stamps
    assert seen in client.get("/categories")["categories"]
    assert client.get("/categories/0")["name"] == "all"


def test_a_new_one_in_any_script(ada: User, v1: Speak) -> None:
    client = v1(ada)
    body = {"name": "新分類名稱", "description": "新分類的描述"}
    answer = client.ask("POST", "/categories", body)
    key = json.loads(answer.content)["id"]
    assert (answer.status_code, json.loads(answer.content)) == (201, {"id": key})
    assert client.get(f"/categories/{key}").items() >= body.items()
    assert told(client.ask("POST", "/categories", body)) == (400, "Category name already exists")
    answer = client.ask("PUT", f"/categories/{key}", {"name": "修改後的分類名稱"})
    assert json.loads(answer.content) == {"id": key}
    assert client.get(f"/categories/{key}")["name"] == "修改後的分類名稱"
    assert client.get(f"/categories/{key}")["description"] is None


def test_names_that_differ_in_signs_only_are_different_ones(ada: User, v1: Speak) -> None:
    client = v1(ada)
    names = ["C", "C++", "C#", "a b", "a-b"]
    keys = [json.loads(client.ask("POST", "/categories", {"name": name}).content)["id"] for name in names]
    assert len(set(keys)) == len(names)
    client.ask("DELETE", f"/categories/{keys[0]}")
    client.ask("POST", "/categories", {"name": "C--"})
    assert "C" not in named(client).values()
    assert client.ask("PUT", f"/categories/{keys[1]}", {"name": "c"}).status_code == 200
    assert [named(client)[key] for key in keys[1:]] == ["c", "C#", "a b", "a-b"]


def test_nothing_else_is_called_all(ada: User, v1: Speak, ops: Category) -> None:
    for method, path in (("POST", "/categories"), ("PUT", f"/categories/{ops.pk}")):
        for name in ("all", "All"):
            answer = v1(ada).ask(method, path, {"name": name})
            assert told(answer) == (400, "Category name already exists")


def test_the_name_of_a_deleted_one_is_free(ada: User, v1: Speak, ops: Category) -> None:
    client = v1(ada)
    other = Category.objects.create(name="Other")
    client.ask("DELETE", f"/categories/{ops.pk}")
    assert client.ask("PUT", f"/categories/{other.pk}", {"name": "ops"}).status_code == 200
    assert told(client.ask("POST", "/categories", {"name": "Ops"})) == (400, "Category name already exists")
    assert (named(client)[other.pk], ops.pk in named(client)) == ("ops", False)


def test_dev_keeps_its_number_whatever_its_name(ada: User, v1: Speak) -> None:
    client, key = v1(ada), Category.general().pk
    assert client.ask("PUT", f"/categories/{key}", {"name": "Research"}).status_code == 200
    assert named(client)[key] == "Research"
    assert Category.objects.get(name="Research").slug == "research"


def test_jobs_of_accounts_without_a_category_are_shown_under_0(ada: User, v1: Speak) -> None:
    client = v1(ada)
    assert client.get(f"/jobs/{client.add()}")["category_id"] == 0


def test_a_deleted_one_is_gone_and_comes_back_under_its_number(ada: User, v1: Speak, ops: Category) -> None:
    client = v1(ada)
    answer = client.ask("DELETE", f"/categories/{ops.pk}")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": ops.pk})
    assert ops.pk not in named(client)
    for method in ("GET", "PUT", "DELETE"):
        answer = client.ask(method, f"/categories/{ops.pk}", {"name": "x"})
        assert told(answer) == (404, "Category not found")
    answer = client.ask("POST", "/categories", {"name": "OPS", "description": "again"})
    assert (answer.status_code, json.loads(answer.content)) == (201, {"id": ops.pk})
    assert named(client)[ops.pk] == "OPS"


def test_what_is_in_use_cannot_be_deleted(ada: User, olli: User, v1: Speak) -> None:
    client = v1(ada)
    general = next(key for key, name in named(client).items() if name == "General")
    for key in (0, olli.category_id, general):
        assert client.ask("DELETE", f"/categories/{key}").status_code == 400
    assert Category.objects.filter(is_active=False).count() == 0
    assert client.ask("PUT", "/categories/0", {"name": "x"}).status_code == 400
    assert told(client.ask("PUT", f"/categories/{general}", {"name": "x"}))[0] == 400


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Name is required"),
        ({"name": ""}, "Name is required"),
        ({"name": " "}, "Name is required"),
        ({"name": 5}, "Name is required"),
        ({"name": None}, "Name is required"),
        ({"name": "x" * 51}, "Name has more than 50 characters"),
        ({"name": "名" * 51}, "Name has more than 50 characters"),
        ({"name": "a", "description": 5}, "Description must be a text"),
        ({"name": "a", "description": "x" * 10_001}, "Description has more than 10000 characters"),
        ({"name": "ops"}, "Category name already exists"),
        (b"{", "Invalid JSON format"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_bad_ones_are_refused_and_change_nothing(
    ada: User, v1: Speak, ops: Category, method: str, body: Any, text: str
) -> None:
    client = v1(ada)
    other = Category.objects.create(name="Other")
    before, entries = client.get("/categories"), Entry.objects.count()
    status, error = told(
        client.ask(method, "/categories" if method == "POST" else f"/categories/{other.pk}", body)
    )
    assert status == 400
    assert text in error
    assert (client.get("/categories"), Entry.objects.count()) == (before, entries)


@pytest.mark.parametrize("key", ["999", "x", "-1", "1.5", "9" * 30, "%D9%A1"])
def test_an_unknown_id_is_404(ada: User, v1: Speak, key: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = v1(ada).ask(method, f"/categories/{key}", {"name": "a"})
        assert told(answer) == (404, "Category not found")


def test_names_of_fifty_characters_fit(ada: User, v1: Speak) -> None:
    for name in ("x" * 50, "名" * 50):
        assert v1(ada).ask("POST", "/categories", {"name": name}).status_code == 201


def test_everybody_reads_and_administrators_write(olli: User, rita: User, ops: Category, v1: Speak) -> None:
    for user in (olli, rita):
        client = v1(user)
        assert client.get(f"/categories/{ops.pk}")["name"] == "Ops"
        for method, path in [("POST", ""), ("PUT", f"/{ops.pk}"), ("DELETE", f"/{ops.pk}")]:
            answer = client.ask(method, f"/categories{path}", {"name": "new"})
            assert told(answer) == (403, "Permission denied")
    assert "Ops" in named(v1(olli)).values()
