"""The page of one run: its state, its output, and stopping it."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from accounts.models import Category, User
from executions.models import Execution, LogChunk, Reason, State
from executions.monitoring import logs
from executions.tests.conftest import Ledger
from executions.tests.test_page_list import make_run
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def write(run: Execution, text: str, attempt: int = 1) -> LogChunk:
    return LogChunk.objects.create(execution=run, attempt=attempt, at=timezone.now(), text=text)


def text_of(user: User, run: Execution) -> str:
    response = browser(user).get(f"/executions/{run.uid}/log")
    assert response.streaming
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return response.getvalue().decode()


def test_it_tells_state_reason_and_output_escaped(vic: User) -> None:
    run = make_run(make_job(name="<b>"), state=State.FAILED, error="<script>", reason=Reason.LOST)
    write(run, "<img src=x>")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert "&lt;script&gt;" in page
    assert "&lt;img src=x&gt;" in page
    assert "Its worker died" in page
    assert "<img" not in page


def test_an_open_run_asks_for_news_and_an_ended_one_no_more(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    assert "every 2s" in browser(vic).get(f"/executions/{run.uid}").content.decode()
    Execution.objects.update(state=State.SUCCESS, finished_at=timezone.now(), duration=1.5)
    live = browser(vic).get(f"/executions/{run.uid}", headers={"HX-Request": "true", "HX-Target": "state"})
    assert "<html" not in live.content.decode()
    assert "every 2s" not in live.content.decode()
    assert "1.50 s" in live.content.decode()


def test_output_grows_by_what_is_new(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now())
    first, second = write(run, "one\n"), write(run, "<two>\n", attempt=2)
    grown = browser(vic).get(f"/executions/{run.uid}/output?after={first.pk}").content.decode()
    assert grown.startswith("\n--- attempt 2 ---\n&lt;two&gt;\n<span")
    assert f"after={second.pk}" in grown
    Execution.objects.update(state=State.SUCCESS)
    assert browser(vic).get(f"/executions/{run.uid}/output?after={second.pk}").content == b""


def test_of_a_progress_bar_the_page_shows_one_line_as_it_was_written_last(vic: User) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "begin\r\n10%\r55%\r")
    write(run, "100%\nend\r")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert ">begin\n100%\nend</pre>" in page
    assert text_of(vic, run) == "begin\r\n10%\r55%\r100%\nend\r"


def test_a_progress_bar_is_written_over_while_the_run_goes_on(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now())
    write(run, "begin\n10%\r")
    second = write(run, "55%\r")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert (
        f'after={second.pk}" hx-trigger="load delay:2s" hx-swap="outerHTML" hx-target="this">55%</span>'
        in page
    )
    third = write(run, "<80%>\r")
    grown = browser(vic).get(f"/executions/{run.uid}/output?after={second.pk}").content.decode()
    assert grown.startswith("<span")
    assert grown.endswith(">&lt;80%&gt;</span>")
    write(run, "100%\nend")
    grown = browser(vic).get(f"/executions/{run.uid}/output?after={third.pk}").content.decode()
    assert grown.startswith("100%\n<span")
    assert grown.endswith(">end</span>")


def test_a_line_that_comes_in_pieces_becomes_one(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now())
    write(run, "one\ntw")
    second = write(run, "o and ")
    write(run, "a half\nthree")
    grown = browser(vic).get(f"/executions/{run.uid}/output?after={second.pk}").content.decode()
    assert grown.startswith("two and a half\n<span")
    assert grown.endswith(">three</span>")


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 60, "%00", "١"])
def test_an_absurd_place_in_the_output_means_its_beginning(vic: User, after: str) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "one")
    assert browser(vic).get(f"/executions/{run.uid}/output?after={after}").content == b"one"


def test_of_a_long_output_the_page_shows_the_end_and_the_text_all(vic: User) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "start" + "." * logs.LIMIT)
    write(run, "end")
    shown = logs.tail(run)
    assert shown.cut
    assert len(shown.text + shown.line) == logs.LIMIT
    assert shown.line.endswith("end")
    whole = text_of(vic, run)
    assert whole.startswith("start.")
    assert whole.endswith(".end")


def test_a_run_of_another_category_is_not_there(vic: User) -> None:
    run = make_run(make_job())
    vic.category = Category.objects.create(name="Elsewhere")
    vic.save()
    for page in ("", "/log", "/output"):
        assert browser(vic).get(f"/executions/{run.uid}{page}").status_code == 404
    assert browser(vic).post(f"/executions/{run.uid}/stop").status_code == 404


def test_one_that_never_was_is_not_found(vic: User) -> None:
    assert browser(vic).get(f"/executions/{uuid.uuid4()}").status_code == 404


def test_it_links_the_run_that_was_in_its_way(vic: User) -> None:
    job = make_job()
    other = make_run(job)
    run = make_run(job, state=State.SKIPPED, reason=Reason.OVERLAP, blocked_by=other)
    assert f"/executions/{other.uid}" in browser(vic).get(f"/executions/{run.uid}").content.decode()


def test_the_page_outlives_the_job(vic: User) -> None:
    job = make_job(name="gone")
    run = make_run(job, state=State.SUCCESS)
    job.delete()
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert "The job has been deleted" in page
    assert "Re-run" not in page


def test_its_owner_stops_a_run(uma: User, ledger: Ledger) -> None:
    run = make_run(make_job(uma))
    response = browser(uma).post(f"/executions/{run.uid}/stop")
    run.refresh_from_db()
    assert response.headers["Location"] == f"/executions/{run.uid}"
    assert run.state == State.STOPPED


def test_a_run_that_has_ended_cannot_be_stopped(uma: User, ledger: Ledger) -> None:
    run = make_run(make_job(uma), state=State.SUCCESS)
    page = browser(uma).post(f"/executions/{run.uid}/stop", follow=True).content.decode()
    assert "has already ended" in page
    assert Execution.objects.get().state == State.SUCCESS


def test_who_may_only_look_cannot_stop(uma: User, vic: User) -> None:
    run = make_run(make_job())
    assert browser(vic).post(f"/executions/{run.uid}/stop").status_code == 403
    assert browser(uma).post(f"/executions/{run.uid}/stop").status_code == 403
    assert browser(uma).get(f"/executions/{run.uid}/stop").status_code == 405
    assert Execution.objects.get().state == State.QUEUED
