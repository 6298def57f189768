"""The options of webhook and GitHub jobs: what is accepted, stored and refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, clean_options

URL = "https://1.1.1.1/hook"


def problems(kind: str, options: Any, **values: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        clean_options(kind, options, **values)
    return caught.value.message_dict


def test_only_what_was_chosen_is_stored() -> None:
    assert clean_options("webhook", {"target_url": URL, "method": "", "headers": {}, "body": None}) == {
        "target_url": URL
    }


def test_a_full_set_of_options_survives_and_is_stable() -> None:
    options = {
        "target_url": URL,
        "method": "PUT",
        "headers": {"X-Team": "ops", "X-Count": "3"},
        "body": {"a": [1, None]},
        "connect_timeout": 2.5,
        "success_codes": "200-299,304",
    }
    assert clean_options("webhook", options) == options
    assert clean_options("webhook", clean_options("webhook", options)) == options


def test_text_from_a_page_gives_the_same_options_as_json() -> None:
    page = {
        "target_url": URL,
        "headers": "X-Team: ops\r\nAccept: text/plain",
        "connect_timeout": "2",
        "success_codes": "200 - 204, 304",
    }
    assert clean_options("webhook", page) == {
        "target_url": URL,
        "headers": {"X-Team": "ops", "Accept": "text/plain"},
        "connect_timeout": 2.0,
        "success_codes": "200-204,304",
    }


def test_success_codes_may_be_a_list_of_numbers() -> None:
    cleaned = clean_options("webhook", {"target_url": URL, "success_codes": [200, 404]})
    assert cleaned["success_codes"] == "200,404"


def test_an_unknown_option_is_refused_by_its_name() -> None:
    found = problems("webhook", {"target_url": URL, "methods": "GET"})
    assert list(found) == ["methods"]
    assert "methods" in found["methods"][0]


def test_an_unknown_kind_is_refused() -> None:
    assert "carrier_pigeon" in problems("carrier_pigeon", {})["kind"][0]


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_options_that_are_no_object_are_refused(data: Any) -> None:
    assert "options" in problems("webhook", data)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "target_url"),
        ({"target_url": "http://127.0.0.1/"}, "target_url"),
        ({"target_url": {"a": 1}}, "target_url"),
        ({"target_url": URL, "method": "TRACE"}, "method"),
        ({"target_url": URL, "method": ["GET"]}, "method"),
        ({"target_url": URL, "headers": ["a"]}, "headers"),
        ({"target_url": URL, "headers": 5}, "headers"),
        ({"target_url": URL, "headers": "{not json"}, "headers"),
        ({"target_url": URL, "headers": {"X-A": "a\r\nX-B: b"}}, "headers"),
        ({"target_url": URL, "headers": {"X-A": "a\nb"}}, "headers"),
        ({"target_url": URL, "headers": {"X-A": "a\0"}}, "headers"),
        ({"target_url": URL, "headers": {"X A": "a"}}, "headers"),
        ({"target_url": URL, "headers": {"": "a"}}, "headers"),
        ({"target_url": URL, "headers": {"X-A": {"b": 1}}}, "headers"),
        ({"target_url": URL, "headers": {"X-A": True}}, "headers"),
        ({"target_url": URL, "headers": {"Host": "inner"}}, "headers"),
        ({"target_url": URL, "headers": {"transfer-encoding": "chunked"}}, "headers"),
        ({"target_url": URL, "headers": {"Content-Length": "5"}}, "headers"),
        ({"target_url": URL, "headers": {"X-Belfry-Signature": "t=1"}}, "headers"),
        ({"target_url": URL, "headers": {f"X-{n}": "a" for n in range(51)}}, "headers"),
        ({"target_url": URL, "method": "GET", "body": "x"}, "body"),
        ({"target_url": URL, "body": float("nan")}, "body"),
        ({"target_url": URL, "body": "x" * (1 << 20) + "x"}, "body"),
        ({"target_url": URL, "connect_timeout": 0}, "connect_timeout"),
        ({"target_url": URL, "connect_timeout": "soon"}, "connect_timeout"),
        ({"target_url": URL, "success_codes": "2xx"}, "success_codes"),
        ({"target_url": URL, "success_codes": "299-200"}, "success_codes"),
        ({"target_url": URL, "success_codes": [999]}, "success_codes"),
    ],
)
def test_a_bad_option_is_refused_at_its_field(options: dict[str, Any], field: str) -> None:
    assert list(problems("webhook", options)) == [field]


def test_the_allow_list_of_the_settings_is_read_at_each_call(settings: Settings) -> None:
    inner = {"target_url": "http://10.0.0.5:8080/hook"}
    settings.WEBHOOK_ALLOWED_HOSTS = ["10.0.0.5:8080"]
    assert clean_options("webhook", inner) == inner
    assert "target_url" in problems("webhook", inner, allow_private=False)
    settings.WEBHOOK_ALLOWED_HOSTS = []
    assert "target_url" in problems("webhook", inner)
    assert clean_options("webhook", inner, allow_private=True) == inner


def test_a_github_job_names_owner_repository_and_workflow() -> None:
    options = {"owner": "my-org", "repo": "my.repo_1", "workflow": "test.yml"}
    assert clean_options("github_actions", options) == options
    assert clean_options("github_actions", {**options, "target_url": "https://a.example/"})["target_url"]
    assert RUNNERS["github_actions"].target(options, {}) == "my-org/my.repo_1/test.yml"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": "-org"}, "owner"),
        ({"owner": "org-"}, "owner"),
        ({"owner": "a--b"}, "owner"),
        ({"owner": "a/b"}, "owner"),
        ({"owner": "a" * 40}, "owner"),
        ({"owner": ""}, "owner"),
        ({"repo": ".."}, "repo"),
        ({"repo": "a/b"}, "repo"),
        ({"repo": "a b"}, "repo"),
        ({"workflow": "../x.yml"}, "workflow"),
        ({"workflow": "test.txt"}, "workflow"),
        ({"workflow": "test.yml\n"[:8] + "?x"}, "workflow"),
        ({"target_url": "ftp://x/"}, "target_url"),
    ],
)
def test_a_github_name_that_cannot_exist_is_refused(change: dict[str, str], field: str) -> None:
    assert list(problems("github_actions", {"owner": "o", "repo": "r", "workflow": "1", **change})) == [field]
