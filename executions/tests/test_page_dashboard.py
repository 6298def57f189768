"""The dashboard."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Category, User
from audit.record import Actor
from executions.models import Execution, Heartbeat, State
from executions.monitoring import figures, health
from executions.pages import charts
from executions.tests.test_page_list import make_run
from incidents import verbs
from incidents.lifecycle import recover
from incidents.tests.factories import concerned, fail
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_broker", lambda: health.Check("broker", False, "does not answer"))


def part(client: Client, name: str) -> str:
    response = client.get("/", headers={"HX-Request": "true", "HX-Target": name})
    assert "<html" not in response.content.decode()
    assert "HX-Target" in response.headers["Vary"]
    return response.content.decode()


def test_an_empty_house_says_what_to_do_first(uma: User, vic: User) -> None:
    assert "Create your first job" in browser(uma).get("/").content.decode()
    assert "Create your first job" not in browser(vic).get("/").content.decode()


def test_it_shows_what_runs_what_is_next_and_what_failed(vic: User) -> None:
    make_run(make_job(name="at work"), state=State.RUNNING, started_at=timezone.now())
    unlucky = make_job(name="unlucky")
    fail(timezone.now(), concerned(uid=unlucky.uid, name="unlucky"), error="it was <raining>")
    shown = browser(vic).get("/").context
    assert [run.job_name for run in shown["running"]] == ["at work"]
    assert [problem.newest.name for problem in shown["problems"]] == ["unlucky"]
    assert {job.name for job in shown["next"]} == {"at work", "unlucky"}
    assert "it was &lt;raining&gt;" in browser(vic).get("/").content.decode()


def test_a_job_needs_attention_in_one_line_until_it_is_well_again(uma: User, vic: User) -> None:
    job, now = make_job(uma, name="shaky"), timezone.now()
    make_run(job, state=State.FAILED, due_at=now)
    of_job = concerned(uma, job.uid, name="shaky")
    for _ in range(3):
        failing = fail(now, of_job)
    late = fail(now, of_job, kind="late", error="")
    client = browser(uma)
    (problem,) = client.get("/").context["problems"]
    assert (problem.newest.name, problem.count, len(problem.runs.states)) == ("shaky", 3, 1)
    shown = part(client, "live")
    assert "3 times" in shown
    assert f"/incidents/{late.uid}/acknowledge" in shown
    assert "/acknowledge" not in part(browser(vic), "live")
    for incident in (failing, late):
        recover(incident, now)
    assert "No open incidents." in part(client, "live")


def test_what_nobody_has_acknowledged_comes_first(ada: User) -> None:
    now = timezone.now()
    known = fail(now, concerned(ada, uuid.UUID(int=2), name="known"))
    fail(now - dt.timedelta(hours=1), concerned(ada, uuid.UUID(int=3), name="new"))
    verbs.acknowledge(known, by=Actor(ada))
    found = browser(ada).get("/").context["problems"]
    assert [problem.newest.name for problem in found] == ["new", "known"]


def test_times_are_in_the_readers_zone(vic: User) -> None:
    make_job(name="later", due="2030-01-01 01:30")
    client = browser(vic)
    client.cookies["zone"] = "Asia/Dubai"
    shown = part(client, "live")
    assert "Times are in Asia/Dubai." in shown
    assert "Tue 2030-01-01 05:30" in shown


def test_the_live_parts_ask_for_themselves(vic: User) -> None:
    client = browser(vic)
    assert 'id="live"' in part(client, "live")
    assert 'id="chart"' in part(client, "chart")
    assert 'id="health"' in part(client, "health")


def test_health_says_what_is_not_well(vic: User) -> None:
    shown = part(browser(vic), "health")
    assert "degraded" in shown
    assert "not responding" in shown


def test_administrators_see_the_figures_with_links_to_the_runs_behind_them(ada: User, vic: User) -> None:
    make_run(make_job(name="gone"), state=State.LOST, finished_at=timezone.now())
    figures.current.forget()
    shown = part(browser(ada), "health")
    assert re.search(
        r'<use href="[^"]*#lost"></use></svg>Worker lost, 24 hours</dt><dd><a href="/executions\?state=lost">1</a>',
        shown,
    )
    assert '<a href="/executions?state=open">0</a>' in shown
    assert "Failed deliveries" in shown
    assert "Worker lost, 24 hours" not in part(browser(vic), "health")


def test_each_process_is_shown_with_its_state_and_age(vic: User) -> None:
    now = timezone.now()
    for role, age in (("beat", 2), ("code", 65)):
        at = now - dt.timedelta(seconds=age)
        Heartbeat.objects.create(name=f"{role} a:1", role=role, at=at, started_at=at)
    text = " ".join(re.sub(r"<[^>]+>", " ", part(browser(vic), "health")).split())
    assert re.search(r"OK beat \d\.\d\d s ago", text)
    assert re.search(r"Problem worker code not responding, 1 min \d+ s", text)
    assert "Problem worker io not running" in text


def test_a_job_that_cannot_be_scheduled_stands_out(vic: User) -> None:
    make_job(name="crooked")
    Job.objects.update(quarantine_reason="no such zone", next_run_at=None)
    assert "Invalid schedule" in part(browser(vic), "live")


def test_jobs_of_other_categories_are_not_counted(vic: User) -> None:
    make_run(make_job(name="at work"), state=State.RUNNING, started_at=timezone.now())
    vic.category = Category.objects.create(name="Elsewhere")
    vic.save()
    shown = browser(vic).get("/").context
    assert (shown["running_count"], shown["next"], shown["chart"].totals["open"]) == (0, [], 0)


def test_the_chart_stacks_a_day_in_quarters_of_an_hour_by_outcome(vic: User) -> None:
    now = dt.datetime(2026, 5, 2, 12, 40, tzinfo=dt.UTC)
    job = make_job()
    ages = (
        (0, State.SUCCESS),
        (16, State.SUCCESS),
        (17, State.FAILED),
        (60 * 23 + 54, State.SKIPPED),
    )
    for minutes, state in ages:
        make_run(job, state=state, due_at=now - dt.timedelta(minutes=minutes))
    make_run(job, state=State.FAILED, due_at=now - dt.timedelta(hours=24))
    chart = charts.last_quarters(Execution.objects.all(), now)
    assert len(chart.columns) == 96
    assert chart.totals == {"success": 2, "bad": 1, "other": 1, "open": 0}
    assert chart.columns[-1].counts["success"] == 1
    assert [(bar.group, bar.y, bar.height) for bar in chart.columns[-2].parts] == [
        ("success", 50.0, 50.0),
        ("bad", 0.0, 50.0),
    ]
    assert chart.columns[0].total == 1
    # Each bar leads to the runs that it counts.
    found = browser(vic).get(f"/executions?{chart.columns[-2].query}").context["rows"]
    assert sorted(row.badge.count("failed") > 0 for row in found) == [False, True]
