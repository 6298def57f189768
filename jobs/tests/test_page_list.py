"""The list of jobs."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Category, User
from audit.record import By
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def names(user: User, query: str = "") -> list[str]:
    return [job.name for job in browser(user).get(f"/jobs{query}").context["jobs"]]


def test_an_empty_list_says_what_to_do(uma: User, vic: User) -> None:
    assert "Create your first job" in browser(uma).get("/jobs").content.decode()
    assert "Create your first job" not in browser(vic).get("/jobs").content.decode()


def test_it_shows_schedule_next_run_and_state(vic: User) -> None:
    make_job(name="nightly", expression="30 2 * * *", timezone="Europe/Berlin", due="2030-01-01 01:30")
    page = browser(vic).get("/jobs").content.decode()
    assert "At 02:30 (Europe/Berlin)" in page
    assert (
        '<time datetime="2030-01-01T01:30:00Z" title="2030-01-01 01:30:00 UTC">2030-01-01 02:30:00 CET</time>'
        in page
    )
    assert "active" in page


def test_it_shows_only_the_jobs_of_the_users_category(vic: User) -> None:
    other = Category.objects.create(name="Elsewhere")
    make_job(name="here")
    make_job(name="there", category=other.pk)
    vic.category = Category.general()
    vic.save()
    assert names(vic) == ["here"]


def test_it_searches_filters_and_sorts(uma: User) -> None:
    make_job(name="alpha", due="2030-01-02 00:00")
    paused = make_job(uma, name="beta")
    verbs.pause(paused, by=By(uma))
    make_job(name="gamma", schedule_kind="none")
    Job.objects.filter(name="alpha").update(broken="no such zone")
    assert names(uma, "?q=LPH") == ["alpha"]
    assert names(uma, "?state=paused") == ["beta"]
    assert names(uma, "?state=broken") == ["alpha"]
    assert names(uma, "?state=manual") == ["gamma"]
    assert names(uma, "?state=active") == []
    assert names(uma, "?owner=me") == ["beta"]
    assert names(uma, "?kind=python_class") == []
    assert names(uma, "?sort=-name") == ["gamma", "beta", "alpha"]
    assert names(uma, "?sort=next") == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize("page", ["0", "-1", "2", "9" * 30, "9" * 5000, "x", "%00"])
def test_a_page_that_is_not_there_is_not_found(vic: User, page: str) -> None:
    assert browser(vic).get(f"/jobs?page={page}").status_code == 404


@pytest.mark.parametrize(
    "query", ["q=%00", "state=%00", "category=x", "category=" + "9" * 99, "sort=pk", "kind=1", "q=%ff"]
)
def test_absurd_filters_are_ignored(vic: User, query: str) -> None:
    assert browser(vic).get(f"/jobs?{query}").status_code == 200


def test_the_verbs_are_shown_to_those_who_may(uma: User, vic: User) -> None:
    mine, foreign = make_job(uma, name="mine"), make_job(name="foreign")
    page = browser(uma).get("/jobs").content.decode()
    assert f"/jobs/{mine.uid}/pause" in page
    assert f"/jobs/{foreign.uid}/pause" not in page
    assert f"/jobs/{mine.uid}/pause" not in browser(vic).get("/jobs").content.decode()


def test_more_jobs_take_no_more_queries(ada: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/jobs").status_code == 200
        return len(captured)

    client = browser(ada)
    make_job(name="first")
    client.get("/jobs")
    few = queries()
    for _number in range(5):
        make_job(name=uuid.uuid4().hex)
    assert queries() == few


def test_a_broken_schedule_hurts_only_its_own_row(vic: User) -> None:
    make_job(name="good")
    bad = make_job(name="bad", timezone="Europe/Rome")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = 'No/Where' WHERE timezone = 'Europe/Rome'"
        )
    assert names(vic) == ["bad", "good"]
    assert browser(vic).get(f"/jobs/{bad.uid}").status_code == 200


def test_nobody_sees_it_without_logging_in(client: object) -> None:
    assert browser().get("/jobs").headers["Location"].startswith("/login")
