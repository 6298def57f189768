"""Script jobs on the pages: where they run, their text, and what survives."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from accounts.models import User
from environments.models import Environment
from jobs.models import Job
from jobs.tests.pages import browser, edits
from jobs.tests.script_jobs import TEXT, environment, script_entries, script_job

pytestmark = pytest.mark.django_db


def shown_script(page: str) -> str:
    """The text in the editor as a browser reads it: without the first line end, and with LF only."""
    found = re.search(r'<textarea name="options-script"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1]).replace("\r\n", "\n").replace("\r", "\n")


def test_an_administrator_makes_a_script_job(ada: User) -> None:
    where = environment()
    response = browser(ada).post("/jobs/new", script_entries(environment=where.uid))
    job = Job.objects.get()
    assert response.headers["Location"] == f"/jobs/{job.uid}"
    assert (job.options["script"], job.environment) == (TEXT, where)
    page = browser(ada).get(f"/jobs/{job.uid}").content.decode()
    assert "reports" in page
    assert html.escape("print('ä  ')  ") in page


@pytest.mark.parametrize("text", [TEXT, "a\r\nb\r\n", "\n\n  a\r\nb\nc\rd\n", "x", "\ufeffx = 1\r\n"])
def test_saving_without_a_change_keeps_the_text_byte_for_byte(ada: User, text: str) -> None:
    where = environment()
    job = script_job(ada, text, where=where)
    page = browser(ada).get(f"/jobs/{job.uid}/edit").content.decode()
    again = script_entries(shown_script(page), name="renamed", environment=where.uid)
    sent = edits(job, **again)
    sent["line_ends"] = "mixed" if 'value="mixed" selected' in page else ""
    response = browser(ada).post(f"/jobs/{job.uid}/edit", sent)
    job.refresh_from_db()
    assert (response.status_code, job.name, job.options["script"]) == (302, "renamed", text)


def test_the_chosen_line_ends_are_stored(ada: User) -> None:
    where = environment()
    browser(ada).post("/jobs/new", script_entries("a\nb\n", environment=where.uid, line_ends="crlf"))
    assert Job.objects.get().options["script"] == "a\r\nb\r\n"


def test_mixed_line_ends_are_offered_only_where_there_are_some(ada: User) -> None:
    where = environment()
    mixed = script_job(ada, "a\r\nb\n", where=where)
    plain = script_job(ada, "a\n", where=where, name="plain")
    assert 'value="mixed" selected' in browser(ada).get(f"/jobs/{mixed.uid}/edit").content.decode()
    assert 'value="mixed"' not in browser(ada).get(f"/jobs/{plain.uid}/edit").content.decode()


def test_everything_entered_survives_a_mistake(ada: User) -> None:
    where = environment()
    wrong = script_entries(
        "a\n\tb <b>\n", environment=where.uid, line_ends="crlf", name="", expression="nonsense"
    )
    page = browser(ada).post("/jobs/new", wrong).content.decode()
    assert not Job.objects.exists()
    assert shown_script(page) == "a\n\tb <b>\n"
    assert f'value="{where.uid}" selected' in page
    assert 'value="crlf" selected' in page
    assert 'value="nonsense"' in page


def test_a_script_needs_an_environment(ada: User) -> None:
    response = browser(ada).post("/jobs/new", script_entries())
    assert response.context["form"].errors["environment"] == ["A script needs an environment to run in."]
    unknown = "00000000-0000-0000-0000-000000000000"
    response = browser(ada).post("/jobs/new", script_entries(environment=unknown))
    assert response.context["form"].errors["environment"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("text", ["nonsense", "\0", "9" * 5000, "[" * 3000])
def test_absurd_environments_are_refused(ada: User, text: str) -> None:
    response = browser(ada).post("/jobs/new", script_entries(environment=text))
    assert response.context["form"].errors["environment"]


def test_another_kind_of_job_has_no_environment(ada: User) -> None:
    where = environment()
    job = script_job(ada, where=where)
    browser(ada).post(f"/jobs/{job.uid}/edit", edits(job, environment=where.uid))
    job.refresh_from_db()
    assert (job.kind, job.environment) == ("webhook", None)


@pytest.mark.parametrize(
    ("state", "words"), [("creating", "is being created"), ("broken", "runs in it may fail: no solution")]
)
def test_an_environment_that_is_not_ready_is_accepted_with_a_warning(
    ada: User, state: str, words: str
) -> None:
    where = environment(state=state, error="no solution" if state == "broken" else "")
    asked = browser(ada).post("/jobs/new", script_entries(environment=where.uid, preview="environments"))
    assert words in asked.content.decode()
    assert browser(ada).post("/jobs/new", script_entries(environment=where.uid)).status_code == 302
    assert words in browser(ada).get(f"/jobs/{Job.objects.get().uid}").content.decode()


def test_what_does_not_exist_or_is_being_deleted_is_not_offered(ada: User) -> None:
    for state in ("absent", "deleting"):
        where = environment(state, state=state)
        page = browser(ada).get("/jobs/new?kind=script").content.decode()
        assert str(where.uid) not in page
        response = browser(ada).post("/jobs/new", script_entries(environment=where.uid))
        assert response.context["form"].errors["environment"]


def test_a_job_may_keep_an_environment_that_nobody_may_choose_any_more(ada: User) -> None:
    where = environment()
    job = script_job(ada, where=where)
    Environment.objects.update(state="absent")
    page = browser(ada).get(f"/jobs/{job.uid}/edit").content.decode()
    assert f'value="{where.uid}" selected' in page
    assert "This environment does not exist." in page
    sent = edits(job, **script_entries(name="renamed", environment=where.uid))
    assert browser(ada).post(f"/jobs/{job.uid}/edit", sent).status_code == 302


def test_without_any_environment_the_page_says_so_and_keeps_what_was_typed(ada: User) -> None:
    page = browser(ada).get("/jobs/new?kind=script").content.decode()
    assert "No environments yet." in page
    assert 'href="/environments/new" target="_blank"' in page
    later = environment()
    page = browser(ada).post("/jobs/new", script_entries("typed\n", preview="environments")).content.decode()
    assert "No environments yet." not in page
    assert str(later.uid) in page
    assert shown_script(page) == "typed\n"
    assert "errorlist" not in page


def test_a_path_is_offered_only_where_scripts_may_lie_in_directories(ada: User, settings: Any) -> None:
    environment()
    settings.SCRIPT_DIRECTORIES = []
    assert "options-path" not in browser(ada).get("/jobs/new?kind=script").content.decode()
    settings.SCRIPT_DIRECTORIES = ["/srv/scripts"]
    assert "options-path" in browser(ada).get("/jobs/new?kind=script").content.decode()


def test_without_the_right_to_run_code_nobody_makes_or_changes_a_script(
    uma: User, vic: User, ada: User
) -> None:
    where = environment()
    job = script_job(ada, where=where)
    Job.objects.update(owner=uma)
    for person in (uma, vic):
        assert browser(person).get("/jobs/new?kind=script").status_code == 403
        assert browser(person).post("/jobs/new", script_entries(environment=where.uid)).status_code == 403
        assert browser(person).get(f"/jobs/{job.uid}/edit").status_code == 403
        sent = edits(job, **script_entries(name="x", environment=where.uid))
        assert browser(person).post(f"/jobs/{job.uid}/edit", sent).status_code == 403
    assert "?kind=script" not in browser(uma).get("/jobs/new").content.decode()
    assert "?kind=script" in browser(ada).get("/jobs/new").content.decode()
    User.objects.filter(pk=uma.pk).update(may_run_code=True)
    sent = edits(job, **script_entries(name="x", environment=where.uid))
    assert browser(User.objects.get(pk=uma.pk)).post(f"/jobs/{job.uid}/edit", sent).status_code == 302


def test_a_script_of_the_largest_size_is_stored_and_a_larger_one_survives_its_refusal(
    ada: User, settings: Any
) -> None:
    where = environment()
    largest = "# ä\n" * (settings.SCRIPT_MAX_BYTES // 5)
    assert browser(ada).post("/jobs/new", script_entries(largest, environment=where.uid)).status_code == 302
    assert Job.objects.get().options["script"] == largest
    larger = largest + "# 12345\n"
    page = browser(ada).post("/jobs/new", script_entries(larger, environment=where.uid, name="larger"))
    assert page.status_code == 200
    assert page.context["options"].errors["script"]
    assert shown_script(page.content.decode()) == larger
    assert Job.objects.count() == 1


def test_with_crlf_every_line_end_counts_twice(ada: User, settings: Any) -> None:
    where = environment()
    settings.SCRIPT_MAX_BYTES = 12
    sent = script_entries("abc\nabc\nabc\n", environment=where.uid)
    refused = browser(ada).post("/jobs/new", sent | {"line_ends": "crlf"})
    assert refused.context["options"].errors["script"]
    assert browser(ada).post("/jobs/new", sent).status_code == 302


def test_limits_are_folded_until_one_is_set(ada: User) -> None:
    page = browser(ada).get("/jobs/new?kind=script").content.decode()
    folded = page.partition("<summary>Limits")[0].rpartition("<details")[2]
    assert "open" not in folded
    assert (
        page.index("options-arguments") < page.index("<summary>Limits") < page.index("options-memory_limit")
    )
