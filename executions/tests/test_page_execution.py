"""The page of one run: its state, its output, and stopping it."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from html import unescape

import pytest
from django.utils import timezone

from accounts.models import Category, User
from executions.models import Execution, LogChunk, Reason, State
from executions.monitoring import logs
from executions.tests.conftest import Ledger
from executions.tests.test_page_list import make_run
from incidents.tests.factories import concerned, fail
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


def lines(page: str) -> list[str]:
    """The lines of the log with their numbers, as they are read."""
    found = re.findall(r"<li(?: id=.*?)?>(.*?)</li>", page, re.DOTALL)
    return [re.sub("<[^>]*>", "", re.sub("</a>", " ", line)) for line in found if 'tabindex="-1"' in line]


def next_address(page: str) -> str:
    """What the last line asks for."""
    return unescape(page.partition('class="next" hx-get="')[2].partition('"')[0])


def test_output_grows_by_what_is_new(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    write(run, "one\n")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    address = next_address(page)
    assert browser(vic).get(address).status_code == 204
    write(run, "\x1b[31m<two>\nthree")
    grown = browser(vic).get(address).content.decode()
    assert lines(grown) == ["2 &lt;two&gt;", "3 three"]
    Execution.objects.update(state=State.SUCCESS)
    ended = browser(vic).get(next_address(grown)).content.decode()
    assert ended == '<li id="L3"><a href="#L3" tabindex="-1">3</a><span class="fg1">three</span></li>'


def test_the_next_attempt_takes_the_place_of_the_lines_of_the_one_before(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    write(run, "one\n")
    address = next_address(browser(vic).get(f"/executions/{run.uid}").content.decode())
    Execution.objects.update(attempt=2)
    write(run, "again\n", attempt=2)
    answer = browser(vic).get(address)
    assert answer.headers["HX-Retarget"] == "#log-lines"
    assert lines(answer.content.decode()) == ["1 again"]
    page = browser(vic).get(f"/executions/{run.uid}?attempt=1").content.decode()
    assert lines(page) == ["1 one"]
    assert "attempt=2#log-card" in page


def test_of_a_progress_bar_the_page_shows_one_line_as_it_was_written_last(vic: User) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "begin\r\n10%\r55%\r")
    write(run, "100%\nend\r")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert lines(page) == ["1 begin", "2 100%", "3 end"]
    assert text_of(vic, run) == "begin\r\n10%\r55%\r100%\nend\r"


def test_a_progress_bar_is_written_over_while_the_run_goes_on(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now())
    write(run, "begin\n10%\r")
    write(run, "55%\r")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert lines(page) == ["1 begin", "2 55%"]
    write(run, "<80%>\r")
    grown = browser(vic).get(next_address(page)).content.decode()
    assert lines(grown) == ["2 &lt;80%&gt;"]
    write(run, "100%\nend")
    assert lines(browser(vic).get(next_address(grown)).content.decode()) == ["2 100%", "3 end"]


def test_a_line_that_comes_in_pieces_becomes_one(vic: User) -> None:
    run = make_run(make_job(), state=State.RUNNING, started_at=timezone.now())
    write(run, "one\ntw")
    write(run, "o and ")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    write(run, "a half\nthree")
    assert lines(browser(vic).get(next_address(page)).content.decode()) == ["2 two and a half", "3 three"]


@pytest.mark.parametrize("query", ["", "x", "-1", "9" * 60, "%00", "١"])
def test_absurd_places_in_the_log_are_as_if_none_were_named(vic: User, query: str) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "one")
    asked = f"after={query}&line={query}&style={query}&attempt={query}&until={query}"
    assert lines(browser(vic).get(f"/executions/{run.uid}/output?{asked}").content.decode()) == ["1 one"]
    page = browser(vic).get(f"/executions/{run.uid}?{asked}&q=%00").content.decode()
    assert lines(page) == ["1 one"]


def test_of_a_long_output_the_page_shows_the_end_and_the_text_all(vic: User) -> None:
    run = make_run(make_job(name="Täglich <1>"), state=State.SUCCESS)
    write(run, "start" + "." * logs.LIMIT)
    write(run, "end")
    shown = logs.tail(run, 1)
    assert shown.cut
    assert len(shown.text + shown.line) == logs.LIMIT
    assert shown.line.endswith("end")
    whole = text_of(vic, run)
    assert whole.startswith("start.")
    assert whole.endswith(".end")
    saved = browser(vic).get(f"/executions/{run.uid}/log").headers["Content-Disposition"]
    assert saved.startswith("attachment; filename*=utf-8''t%C3%A4glich-1-20")


def test_lines_with_errors_are_marked_and_linked(vic: User) -> None:
    run = make_run(make_job(), state=State.FAILED)
    write(run, "begin\n0 errors, no failures\n\x1b[1mKeyError\x1b[0m: 'x'\nerrors: 0\nFATAL\n")
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert re.findall(r'<li id="L(\d+)" class="wrong">', page) == ["3", "5"]
    assert 'Lines with errors: <a href="#L3">3</a> <a href="#L5">5</a>' in page


def test_the_whole_log_is_searched_and_what_was_found_is_linked(vic: User) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    write(run, "the <needle>\n" + "." * 70_000 + "\nlast Needle here\n")
    page = browser(vic).get(f"/executions/{run.uid}?q=needle").content.decode()
    assert "2 of 3 lines contain “needle”." in page
    assert (
        '<a href="?attempt=1&amp;q=needle&amp;line=1#L1">1</a><span>the &lt;<mark>needle</mark>&gt;</span>'
        in page
    )
    assert '<a href="#L3">3</a><span>last <mark>Needle</mark> here</span>' in page
    cut, last = lines(page)
    assert (cut[:3], last) == ("2 .", "3 last Needle here")
    around = browser(vic).get(f"/executions/{run.uid}?attempt=1&q=needle&line=1").content.decode()
    assert lines(around) == ["1 the &lt;needle&gt;"]
    assert (
        "0 of 3 lines contain “&lt;b&gt;”"
        in browser(vic).get(f"/executions/{run.uid}?q=<b>").content.decode()
    )


def test_it_leads_to_the_runs_before_and_after(vic: User) -> None:
    job = make_job()
    due = timezone.now()
    first, second, third = (make_run(job, state=State.SUCCESS, due_at=due) for _ in range(3))
    page = browser(vic).get(f"/executions/{second.uid}").content.decode()
    assert f'rel="prev" href="/executions/{first.uid}"' in page
    assert f'rel="next" href="/executions/{third.uid}"' in page
    assert 'rel="prev"' not in browser(vic).get(f"/executions/{first.uid}").content.decode()


def test_it_says_how_long_the_run_waited_and_ran(vic: User) -> None:
    due = timezone.now() - dt.timedelta(hours=1)
    start = due + dt.timedelta(seconds=30)
    ended = start + dt.timedelta(minutes=5)
    run = make_run(make_job(), state=State.SUCCESS, due_at=due, started_at=start, finished_at=ended)
    page = browser(vic).get(f"/executions/{run.uid}").content.decode()
    assert "Start delay 30 s" in page
    assert "ran 5 min" in page
    missed = make_run(make_job(name="other"), state=State.MISSED, reason=Reason.DOWN)
    assert 'class="timeline"' not in browser(vic).get(f"/executions/{missed.uid}").content.decode()


def test_it_is_run_again_with_its_own_parameters(uma: User) -> None:
    job = make_job(uma, metadata={"day": "today"})
    run = make_run(job, state=State.FAILED, definition={"metadata": {"day": "2026-03-01"}})
    page = browser(uma).get(f"/executions/{run.uid}").content.decode()
    address = f"/jobs/{job.uid}/run?again={run.uid}"
    assert address in page
    assert "2026-03-01" in browser(uma).get(address).content.decode()
    for other in (uuid.uuid4(), "x"):
        assert "today" in browser(uma).get(f"/jobs/{job.uid}/run?again={other}").content.decode()


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


def test_the_cause_of_a_failure_stands_on_top_with_its_history(vic: User) -> None:
    job = make_job()
    due = timezone.now() - dt.timedelta(days=3, hours=1)
    make_run(job, state=State.SUCCESS, due_at=due, finished_at=due)
    for day in (2, 1):
        make_run(job, state=State.FAILED, due_at=due + dt.timedelta(days=3 - day))
    now = timezone.now()
    failed = {"state": State.FAILED, "due_at": now, "finished_at": now, "attempt": 1}
    run = make_run(job, response_status=500, error="HTTP 500", **failed)
    write(run, "sorry, too many <clients> already")
    page = " ".join(browser(vic).get(f"/executions/{run.uid}").content.decode().split())
    cause = "HTTP 500: “sorry, too many &lt;clients&gt; already”; failure 3 in a row; last success 3 days ago"
    assert f"<strong>{cause}</strong>" in page
    lost = make_run(
        make_job(name="other"), reason=Reason.LOST, error="Gone.", **failed | {"state": State.LOST}
    )
    page = browser(vic).get(f"/executions/{lost.uid}").content.decode()
    assert "<strong>Gone; never succeeded before</strong>" in page
    assert "Gone." not in page
    Execution.objects.filter(pk=lost.pk).update(error="")
    page = browser(vic).get(f"/executions/{lost.uid}").content.decode()
    assert "<strong>Its worker died or lost touch with the database; never succeeded before</strong>" in page


def test_the_incident_of_a_failure_is_acknowledged_from_its_page(uma: User, vic: User) -> None:
    job = make_job(uma)
    now = timezone.now()
    of_job = concerned(uma, job.uid, name=job.name, category_id=job.category_id)
    incident = fail(now - dt.timedelta(hours=1), of_job)
    older = make_run(
        job, state=State.FAILED, due_at=now - dt.timedelta(days=1), finished_at=now - dt.timedelta(days=1)
    )
    run = make_run(job, state=State.FAILED, due_at=now, finished_at=now)
    action = f'action="/incidents/{incident.uid}/acknowledge"'
    address = f"/executions/{run.uid}"
    assert action in browser(uma).get(address).content.decode()
    assert action in browser(uma).get(f"/jobs/{job.uid}").content.decode()
    assert action not in browser(uma).get(f"/executions/{older.uid}").content.decode()
    assert action not in browser(vic).get(address).content.decode()
    assert f'href="/incidents/{incident.uid}"' in browser(vic).get(address).content.decode()
    browser(uma).post(f"/incidents/{incident.uid}/acknowledge")
    page = browser(uma).get(address).content.decode()
    assert action not in page
    assert "by uma" in page
