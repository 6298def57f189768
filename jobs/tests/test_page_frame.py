"""What surrounds every page: navigation, language, warnings, errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def test_the_navigation_marks_where_one_is(vic: User) -> None:
    page = browser(vic).get("/jobs").content.decode()
    assert '<a href="/jobs" aria-current="page">' in page
    assert "/admin/" not in page


def test_administrators_find_the_administration(ada: User) -> None:
    assert 'href="/admin/"' in browser(ada).get("/jobs").content.decode()


def test_a_default_password_is_warned_of_on_every_page_of_an_administrator(ada: User, uma: User) -> None:
    assert "default password" not in browser(ada).get("/jobs").content.decode()
    User.objects.filter(pk=ada.pk).update(must_change_password=True)
    assert "default password" in browser(ada).get("/jobs").content.decode()
    assert "default password" not in browser(uma).get("/jobs").content.decode()


def test_the_language_is_a_choice(vic: User) -> None:
    client = browser(vic)
    response = client.post("/language", {"language": "ja", "next": "/jobs"})
    assert response.headers["Location"] == "/jobs"
    assert '<html lang="ja"' in client.get("/jobs").content.decode()


def test_errors_have_pages_of_their_own(vic: User) -> None:
    missing = browser(vic).get("/nowhere")
    assert missing.status_code == 404
    assert "Not found" in missing.content.decode()
    forbidden = browser(vic).get("/jobs/new")
    assert forbidden.status_code == 403
    assert "Not allowed" in forbidden.content.decode()


def test_an_error_of_ours_gets_a_page_that_needs_nothing(vic: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser(vic)
    client.raise_request_exception = False
    monkeypatch.setattr("jobs.pages.listing.Capped", lambda *_args: 1 / 0)
    response = client.get("/jobs")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


def test_no_page_has_scripts_or_styles_in_its_text(uma: User) -> None:
    job = make_job(uma)
    for path in (
        "/jobs",
        "/jobs/new?kind=webhook",
        f"/jobs/{job.uid}",
        f"/jobs/{job.uid}/pause",
        "/executions",
    ):
        page = browser(uma).get(path).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), path


def test_no_template_switches_escaping_off() -> None:
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        assert not re.search(r"autoescape off|\|\s*safe\b", path.read_text(encoding="utf-8")), path


def test_the_web_process_says_that_it_is_there() -> None:
    assert browser().get("/healthz").content == b"ok"
