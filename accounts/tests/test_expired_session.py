"""A session that ends while somebody types loses nothing: the form is there again after the login."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Category, User
from accounts.pages import expired_session
from conftest import PASSWORD
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.forms import as_sent
from jobs.tests.pages import entries

pytestmark = pytest.mark.django_db


def kept_in(page: str) -> str:
    return unescape(re.findall(r'name="kept" value="([^"]+)"', page)[0])


def log_in(client: Client, user: User, page: str, password: str = PASSWORD) -> Any:
    sent = {"username": user.username, "password": password, "kept": kept_in(page)}
    following = re.findall(r'name="next" value="([^"]*)"', page)[0]
    return client.post("/login", sent | {"next": unescape(following)})


def again(client: Client, user: User, path: str, values: dict[str, Any]) -> tuple[str, dict[str, list[str]]]:
    """Sends a form without a session, logs in, and what the page then holds: its text, and what its button would send."""
    login = client.post(path, values, headers={"Referer": f"http://testserver{path}"})
    assert login.status_code == 401
    answer = log_in(client, user, login.content.decode())
    assert (answer.status_code, answer["Location"]) == (302, path)
    page = client.get(path).content.decode()
    without_script = page.partition("<noscript>")[2].partition("</noscript>")[0]
    return page, dict(as_sent(without_script, "csrfmiddlewaretoken").lists())


def test_what_was_typed_is_in_its_form_again_and_saves(client: Client, uma: User) -> None:
    typed = entries(name="typed", description="line 1\r\nline 2", options_body='{"a": "<b>"}')
    page, sent = again(client, uma, "/jobs/new?kind=webhook", typed)
    assert not Job.objects.exists()
    assert "nothing has been saved yet" in page
    client.post("/jobs/new?kind=webhook", sent)
    job = Job.objects.get()
    assert (job.name, job.description, job.options["body"]) == ("typed", "line 1\nline 2", '{"a": "<b>"}')
    assert "kept-form" not in client.get("/jobs/new?kind=webhook").content.decode(), "it is shown once"


def test_secrets_are_nowhere_in_clear_on_the_way(client: Client, uma: User) -> None:
    login = client.post("/jobs/new?kind=webhook", entries(secrets="signing_key=top-secret")).content.decode()
    assert "top-secret" not in login
    log_in(client, uma, login)
    assert "top-secret" not in str(dict(client.session.items()))
    assert "top-secret" in client.get("/jobs/new?kind=webhook").content.decode()


def test_passwords_are_left_out(client: Client, uma: User) -> None:
    typed = {"old_password": "a", "new_password1": "b", "new_password2": "b"}
    assert client.post("/password", typed).status_code == 302


def test_a_wrong_password_at_the_login_loses_nothing(client: Client, uma: User) -> None:
    login = client.post("/jobs/new?kind=webhook", entries(name="typed")).content.decode()
    refused = log_in(client, uma, login, password="wrong").content.decode()
    assert log_in(client, uma, refused).status_code == 302
    assert "typed" in client.get("/jobs/new?kind=webhook").content.decode()


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/jobs/{job}/edit", entries),
        ("/jobs/{job}/pause", lambda: {"reason": "because"}),
        ("/jobs/{job}/run", lambda: {"metadata": '{"a": 1}'}),
        ("/settings/slack", lambda: {"channel": "#alerts"}),
        ("/tokens", lambda: {"name": "machine"}),
        ("/environments/new", lambda: {"name": "reports"}),
        ("/admin/accounts/category/{category}/change/", lambda: {"name": "renamed"}),
    ],
)
def test_every_form_of_the_product_comes_back(client: Client, ada: User, path: str, values: Any) -> None:
    path = path.format(job=make_job(ada).uid, category=Category.general().pk)
    if client.get(path).status_code == 404:
        pytest.fail(f"There is no page {path}.")
    typed = values()
    page, sent = again(client, ada, path, typed)
    assert 'id="kept-form"' in page
    for name, value in typed.items():
        assert sent[name] == [str(value)]


def test_what_no_login_form_could_carry_is_not_put_into_one(
    client: Client, uma: User, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
    for letters, status in ((130_000, 401), (160_000, 302)):
        answer = client.post("/jobs/new?kind=webhook", entries(description="x" * letters))
        assert answer.status_code == status
        if status == 401:
            assert log_in(client, uma, answer.content.decode()).status_code == 302
            client.logout()


def test_what_nobody_came_back_for_leaves_the_session(client: Client, uma: User) -> None:
    log_in(client, uma, client.post("/jobs/new?kind=webhook", entries(name="typed")).content.decode())
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        client.get("/jobs")
        assert expired_session.IN_SESSION not in client.session


@pytest.mark.parametrize("rubbish", ["x", "gAAAA", ""])
def test_rubbish_in_the_place_of_what_was_kept_is_nothing(client: Client, uma: User, rubbish: str) -> None:
    answer = client.post(
        "/login", {"username": "uma", "password": PASSWORD, "kept": rubbish, "next": "/jobs"}
    )
    assert answer.status_code == 302
    assert "kept-form" not in client.get("/jobs").content.decode()


def test_a_form_in_which_nothing_was_typed_is_no_form_to_keep(client: Client, uma: User) -> None:
    assert client.post("/jobs/new", {}).status_code == 302
    assert client.post("/language", {"language": "ja", "next": "/login?next=/jobs"}).status_code in (
        302,
        404,
    )
