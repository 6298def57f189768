"""Pausing, resuming and deleting on the pages, and who may."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Category, User
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, entries

pytestmark = pytest.mark.django_db


def test_pausing_keeps_who_why_and_until_when(uma: User) -> None:
    job = make_job(uma, timezone="Asia/Tokyo")
    until = (timezone.now() + dt.timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    browser(uma).post(
        f"/jobs/{job.uid}/pause", {"reason": "<i>audit</i>", "until": f"{until:%Y-%m-%dT%H:%M}"}
    )
    pause = job.current_pause
    assert pause is not None
    assert (pause.by, pause.reason) == (uma, "<i>audit</i>")
    assert pause.until == until - dt.timedelta(hours=9)
    page = browser(uma).get(f"/jobs/{job.uid}").content.decode()
    assert "&lt;i&gt;audit&lt;/i&gt;" in page
    assert "by uma" in page


def test_a_pause_that_cannot_be_is_refused_on_the_page(uma: User) -> None:
    job = make_job(uma)
    response = browser(uma).post(f"/jobs/{job.uid}/pause", {"reason": "kept", "until": "2001-01-01T00:00"})
    assert response.status_code == 409
    assert "has passed already" in response.content.decode()
    assert 'value="kept"' in response.content.decode()
    assert Job.objects.get().is_active


@pytest.mark.parametrize("until", ["0001-01-01T00:00", "9999-12-31T23:59", "\0", "soon"])
def test_an_absurd_time_is_an_error_of_the_field(uma: User, until: str) -> None:
    job = make_job(uma)
    response = browser(uma).post(f"/jobs/{job.uid}/pause", {"until": until})
    assert response.status_code == 200
    assert response.context["form"].errors["until"]


def test_resuming_ends_the_pause(uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    response = browser(uma).post(f"/jobs/{job.uid}/resume", {"next": "/jobs?state=paused"})
    assert response.headers["Location"] == "/jobs?state=paused"
    assert Job.objects.get().is_active


def test_resuming_a_job_whose_end_date_has_passed_is_refused(uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    Job.objects.update(end_date=dt.date(2020, 1, 1))
    response = browser(uma).post(f"/jobs/{job.uid}/resume")
    assert response.status_code == 409
    assert "end date has passed" in response.content.decode()


def test_deleting_is_asked_for_first(uma: User) -> None:
    job = make_job(uma)
    assert "Delete hourly?" in browser(uma).get(f"/jobs/{job.uid}/delete").content.decode()
    assert Job.objects.exists()
    assert browser(uma).post(f"/jobs/{job.uid}/delete").headers["Location"] == "/jobs"
    assert not Job.objects.exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\0"])
def test_the_way_back_leads_to_our_own_pages_only(uma: User, target: str) -> None:
    job = make_job(uma)
    response = browser(uma).post(f"/jobs/{job.uid}/resume", {"next": target})
    assert response.headers["Location"] == f"/jobs/{job.uid}"


def test_nothing_is_changed_by_get(uma: User) -> None:
    job = make_job(uma)
    assert browser(uma).get(f"/jobs/{job.uid}/resume").status_code == 405
    for page in ("pause", "delete", "run", "edit"):
        assert browser(uma).get(f"/jobs/{job.uid}/{page}").status_code == 200
    assert Job.objects.get().is_active


def test_a_change_needs_the_token_of_the_form(uma: User) -> None:
    job = make_job(uma)
    client = browser(uma)
    client.handler.enforce_csrf_checks = True
    assert client.post(f"/jobs/{job.uid}/delete").status_code == 403
    assert Job.objects.exists()


VERBS = ("edit", "pause", "resume", "delete", "run")


@pytest.mark.parametrize("verb", VERBS)
def test_a_viewer_sees_a_job_but_cannot_change_it(vic: User, verb: str) -> None:
    job = make_job()
    assert browser(vic).get(f"/jobs/{job.uid}").status_code == 200
    assert browser(vic).post(f"/jobs/{job.uid}/{verb}", entries()).status_code == 403
    assert Job.objects.get().is_active


@pytest.mark.parametrize("verb", VERBS)
def test_a_user_cannot_change_the_jobs_of_others(uma: User, verb: str) -> None:
    job = make_job()
    assert browser(uma).post(f"/jobs/{job.uid}/{verb}", entries()).status_code == 403


@pytest.mark.parametrize("verb", VERBS)
def test_a_job_of_another_category_is_not_there(uma: User, verb: str) -> None:
    job = make_job()
    uma.category = Category.objects.create(name="Elsewhere")
    uma.save()
    assert browser(uma).get(f"/jobs/{job.uid}").status_code == 404
    assert browser(uma).post(f"/jobs/{job.uid}/{verb}", entries()).status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_strangers_are_sent_to_the_login(verb: str) -> None:
    job = make_job()
    assert browser().post(f"/jobs/{job.uid}/{verb}").headers["Location"].startswith("/login")
    assert Job.objects.exists()


@pytest.mark.parametrize(
    ("verb", "place"),
    [
        ("pause", "jobs.verbs.pause"),
        ("resume", "jobs.verbs.resume"),
        ("delete", "jobs.verbs.delete"),
        ("run", "executions.ledger.launch.launch"),
    ],
)
def test_a_job_that_somebody_deleted_meanwhile_is_404(
    uma: User, monkeypatch: pytest.MonkeyPatch, verb: str, place: str
) -> None:
    def too_late(*_args: object, **_kwargs: object) -> None:
        raise Job.DoesNotExist

    job = make_job(uma)
    monkeypatch.setattr(place, too_late)
    assert browser(uma).post(f"/jobs/{job.uid}/{verb}").status_code == 404
