"""A secret that no job of its kind uses is named when it is stored, by the API and on the page."""

from __future__ import annotations

import pytest

from accounts.models import User
from conftest import Api
from jobs.changes.secret_targets import unused
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, entries

OBJECTS = {"headers": "{}", "query": "{}", "metadata": "{}"}


@pytest.mark.parametrize(
    ("kind", "secrets", "names"),
    [
        ("webhook", {**OBJECTS, "signing_key": "abcdefgh"}, []),
        (
            "webhook",
            {**OBJECTS, "TOKEN": "y", "headers.Authorization": "x"},
            ["TOKEN", "headers.Authorization"],
        ),
        ("github_actions", {"github_token": "x", "token": "y"}, ["token"]),
        ("python_class", {"TOKEN": "x"}, ["TOKEN"]),
        ("script", {"TOKEN": "x"}, []),
        ("of another release", {"TOKEN": "x"}, []),
    ],
)
def test_each_kind_says_which_secrets_it_uses(kind: str, secrets: dict[str, str], names: list[str]) -> None:
    assert unused(Job(kind=kind, secrets=secrets)) == names


@pytest.mark.django_db
def test_the_api_warns_of_those_that_were_sent(ada: User, api: Api) -> None:
    job, body = make_job(), {"secrets": {"TOKEN": "x", "signing_key": "abcdefgh"}}
    answer = api(ada).put(f"/api/v2/jobs/{job.uid}", body, format="json")
    known = "It uses headers, metadata, query, signing_key."
    assert answer.json()["warnings"] == [
        f"secrets.TOKEN: has no effect on a job of the kind webhook. {known}"
    ]
    again = api(ada).put(f"/api/v2/jobs/{job.uid}", {"description": "x"}, format="json")
    assert "warnings" not in again.json(), "what a body does not name is no news"


@pytest.mark.django_db
def test_the_page_says_so_after_the_job_is_made(ada: User) -> None:
    answer = browser(ada).post("/jobs/new", entries(secrets="TOKEN=x\nsigning_key=abcdefgh"), follow=True)
    assert "A job of this kind does not use these secrets: TOKEN" in answer.content.decode()
