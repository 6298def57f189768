"""Making and changing jobs on the pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from jobs.models import Job, today
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits, entries

pytestmark = pytest.mark.django_db


def test_a_user_makes_a_webhook_job(uma: User) -> None:
    response = browser(uma).post("/jobs/new", entries())
    job = Job.objects.get()
    assert response.headers["Location"] == f"/jobs/{job.uid}"
    assert (job.owner, job.options) == (uma, {"target_url": "https://1.1.1.1/hook"})
    assert job.timing.expression == "30 2 * * *"
    assert Entry.objects.get(event=Entry.Event.ADDED).surface == "page"


def test_what_is_folded_is_said_in_a_line_with_its_units(uma: User) -> None:
    page = browser(uma).get("/jobs/new?kind=webhook").content.decode()
    assert "Start deadline: 1 h, " in page


def test_without_a_kind_the_kinds_are_offered_that_the_user_may_make(uma: User, ada: User) -> None:
    offered = browser(uma).get("/jobs/new").content.decode()
    assert "?kind=webhook" in offered
    assert "?kind=python_class" not in offered
    assert "?kind=python_class" in browser(ada).get("/jobs/new").content.decode()


def test_an_unknown_kind_leads_to_the_choice(uma: User) -> None:
    assert "?kind=webhook" in browser(uma).get("/jobs/new?kind=teapot").content.decode()


def test_a_user_without_the_right_cannot_make_jobs_that_run_code(uma: User) -> None:
    assert browser(uma).get("/jobs/new?kind=python_class").status_code == 403
    assert browser(uma).post("/jobs/new", entries(kind="python_class")).status_code == 403
    assert not Job.objects.exists()


def test_a_viewer_cannot_make_a_job(vic: User) -> None:
    assert browser(vic).get("/jobs/new").status_code == 403
    assert browser(vic).post("/jobs/new", entries()).status_code == 403
    assert not Job.objects.exists()


def test_what_is_wrong_is_said_and_what_was_entered_survives(uma: User) -> None:
    wrong = entries(
        expression="99 * * * *", options_target_url="ftp://example.com", metadata='{"a": 1}', name="<b>x"
    )
    page = browser(uma).post("/jobs/new", wrong).content.decode()
    assert not Job.objects.exists()
    assert 'value="99 * * * *"' in page
    assert 'value="ftp://example.com"' in page
    assert "&quot;a&quot;: 1" in page
    assert "&lt;b&gt;x" in page
    assert "<b>x" not in page
    assert page.count('class="errorlist"') == 2


@pytest.mark.parametrize(
    "field",
    ["name", "expression", "timezone", "metadata", "options-target_url", "options-headers", "secrets", "at"],
)
@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud7ff" * 300, "9" * 5000, "[" * 3000])
def test_absurd_input_is_refused_and_never_an_error_of_ours(uma: User, field: str, text: str) -> None:
    assert browser(uma).post("/jobs/new", entries() | {field: text}).status_code in (200, 302)


@pytest.mark.parametrize(
    "text", ["[" * 3000, '{"a": NaN}', '{"a": "\\u0000"}', '{"a": ' + "9" * 5000 + "}", "[1]", "{"]
)
def test_metadata_that_could_not_be_stored_is_refused(uma: User, text: str) -> None:
    response = browser(uma).post("/jobs/new", entries(metadata=text))
    assert response.context["form"].errors["metadata"]


@pytest.mark.parametrize("field", ["metadata", "options-headers", "options-answer_json"])
def test_a_key_that_is_typed_twice_is_named(uma: User, field: str) -> None:
    text = '{"a": "1", "b": "2", "a": "3"}'
    page = browser(uma).post("/jobs/new", entries() | {field: text}).content.decode()
    assert "“a” is given more than once." in page
    assert not Job.objects.exists()


@pytest.mark.parametrize("field", ["at", "end_date"])
@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_date_beyond_the_reach_of_clocks_is_refused(uma: User, field: str, year: str) -> None:
    day = f"{year}-12-31" + ("T23:59" if field == "at" else "")
    given = entries(schedule_kind="once", at="2030-01-01T00:00") | {field: day}
    assert browser(uma).post("/jobs/new", given).context["form"].errors[field]


def test_a_new_job_shows_the_end_date_that_it_will_have(uma: User) -> None:
    day = (today() + dt.timedelta(days=365)).isoformat()
    page = browser(uma).get("/jobs/new?kind=webhook").content.decode()
    assert re.search(f'<input[^>]*name="end_date"[^>]*value="{day}"|value="{day}"[^>]*name="end_date"', page)


def test_a_job_has_no_end_where_the_policy_allows_it(uma: User, settings: Settings) -> None:
    settings.JOB_END_DATE_POLICY = "optional"
    page = browser(uma).get("/jobs/new?kind=webhook").content.decode()
    assert "Empty: no end." in page
    assert browser(uma).post("/jobs/new", entries(end_date="")).status_code == 302
    job = Job.objects.get()
    assert job.end_date is None
    assert browser(uma).post(f"/jobs/{job.uid}/edit", edits(job, end_date="2099-01-01")).status_code == 302
    ended = edits(Job.objects.get(), end_date="")
    assert browser(uma).post(f"/jobs/{job.uid}/edit", ended).status_code == 302
    assert Job.objects.get().end_date is None


def test_the_preview_button_works_without_javascript_and_complains_of_nothing_else(uma: User) -> None:
    page = browser(uma).post("/jobs/new", entries(name="", preview="1")).content.decode()
    assert "At 02:30 (Europe/Berlin)" in page
    assert "errorlist" not in page
    assert not Job.objects.exists()


def test_secrets_are_stored_and_never_shown_again(uma: User) -> None:
    browser(uma).post("/jobs/new", entries(secrets="signing_key=top-secret=1\nother = two"))
    job = Job.objects.get()
    assert job.secrets == {"signing_key": "top-secret=1", "other": "two"}
    for path in (f"/jobs/{job.uid}", f"/jobs/{job.uid}/edit", f"/jobs/new?copy={job.uid}"):
        page = browser(uma).get(path).content.decode()
        assert "top-secret" not in page
        assert path.startswith("/jobs/new") or "signing_key" in page


def test_saving_without_secrets_keeps_them_and_an_empty_value_removes_one(uma: User) -> None:
    browser(uma).post("/jobs/new", entries(secrets="signing_key=abcd\nother=two"))
    job = Job.objects.get()
    browser(uma).post(f"/jobs/{job.uid}/edit", edits(job, secrets="other="))
    job.refresh_from_db()
    assert job.secrets == {"signing_key": "abcd"}


def test_an_edit_changes_the_job_and_leaves_its_next_run_alone(uma: User) -> None:
    browser(uma).post("/jobs/new", entries())
    job = Job.objects.get()
    response = browser(uma).post(
        f"/jobs/{job.uid}/edit", edits(job, name="renamed", end_date=str(job.end_date))
    )
    changed = Job.objects.get()
    assert response.status_code == 302
    assert (changed.name, changed.next_run_at) == ("renamed", job.next_run_at)


def test_a_name_that_is_taken_is_said_beside_the_field(uma: User) -> None:
    make_job(uma, name="nightly")
    response = browser(uma).post("/jobs/new", entries())
    assert response.context["form"].errors["name"]
    assert Job.objects.count() == 1


def test_the_form_of_a_job_shows_what_is_stored(uma: User) -> None:
    job = make_job(uma, schedule_kind="interval", every=15, period="minutes")
    page = browser(uma).get(f"/jobs/{job.uid}/edit").content.decode()
    assert 'value="15"' in page
    assert 'value="https://1.1.1.1/hook"' in page
    assert "Every 15 minutes" in page
    assert ">null<" not in page


def test_a_duplicate_starts_with_everything_but_the_name(uma: User) -> None:
    job = make_job(uma, expression="5 4 * * *", metadata={"a": 1})
    page = browser(uma).get(f"/jobs/new?copy={job.uid}").content.decode()
    assert 'value="Copy of hourly"' in page
    assert 'value="5 4 * * *"' in page
    assert 'value="https://1.1.1.1/hook"' in page


@pytest.mark.parametrize("copy", ["nonsense", "00000000-0000-0000-0000-000000000000", "\0"])
def test_a_duplicate_of_nothing_is_not_found(uma: User, copy: str) -> None:
    assert browser(uma).get("/jobs/new", {"copy": copy}).status_code == 404


def test_addresses_are_written_one_per_line(uma: User) -> None:
    mail = entries(enable_email_notifications="on", notification_emails="a@example.com,\nb@example.com")
    browser(uma).post("/jobs/new", mail)
    job = Job.objects.get()
    assert job.notification_emails == ["a@example.com", "b@example.com"]
    assert "a@example.com\nb@example.com" in browser(uma).get(f"/jobs/{job.uid}/edit").content.decode()


def test_a_time_is_meant_in_the_zone_of_the_form(uma: User) -> None:
    once = entries(schedule_kind="once", at="2030-07-01T12:00", timezone="Europe/Berlin")
    browser(uma).post("/jobs/new", once | {"end_date": "2031-01-01"})
    assert Job.objects.get().timing.at == dt.datetime(2030, 7, 1, 10, 0, tzinfo=dt.UTC)


def test_a_form_for_a_python_class_says_which_classes_there_are_and_what_they_take(ada: User) -> None:
    page = browser(ada).get("/jobs/new?kind=python_class").content.decode()
    assert '<option value="jobs.classes.shell.ShellJob">' in page
    assert "URL" in page
    assert "job-classes" not in browser(ada).get("/jobs/new?kind=webhook").content.decode()
