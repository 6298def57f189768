"""What is counted for people agrees with the rows: random ledgers, and sums in SQL written without the code that is tested."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.models import Category, User
from conftest import Api
from executions.ledger.launch import row
from executions.models import Execution, State, Trigger
from executions.monitoring import figures, totals_update
from executions.upkeep import retention
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db

NOW = moment("2026-03-10 12:34:56")
HOUR = dt.timedelta(hours=1)
SPANS = [
    ("", None, None),
    ("from=2026-03-09&to=2026-03-09", "2026-03-09 00:00", "2026-03-10 00:00"),
    ("from=2026-03-10T06:30:00Z", "2026-03-10 06:30", None),
    ("from=2026-03-08T03:00:00%2B09:00&to=2026-03-09T18:15:30Z", "2026-03-07 18:00", "2026-03-09 18:15:30"),
    ("to=2026-03-01", None, "2026-03-02 00:00"),
]
NEVER_STARTED = (State.QUEUED, State.MISSED, State.SKIPPED)
ALWAYS_STARTED = (State.RUNNING, State.SUCCESS)
NARROWED = "state IN ('success', 'lost') AND executions_execution.trigger = 'manual'"
COUNTS = """
    SELECT COUNT(*),
           COALESCE(SUM(CASE WHEN state = 'success' THEN 1 ELSE 0 END), 0),
           COALESCE(SUM(CASE WHEN state IN ('failed', 'timeout', 'stopped', 'lost', 'error') THEN 1 ELSE 0 END), 0),
           COALESCE(SUM(CASE WHEN state IN ('queued', 'running') THEN 1 ELSE 0 END), 0),
           SUM(duration), COUNT(duration),
           SUM(CASE WHEN state = 'success' THEN duration END)
      FROM executions_execution
     WHERE state NOT IN ('missed', 'skipped') AND {where}
"""


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        figures.current.forget()
        yield
    figures.current.forget()


@pytest.fixture(params=[1, 2, 3])
def ledger(request: pytest.FixtureRequest, uma: User, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Three jobs, the last of them in another category, and 150 rows of the last days, of every state.

    Of the first ledger nothing is in the totals; of the second some is; of the third nearly all, and some was removed again.
    """
    chance = random.Random(request.param)
    monkeypatch.setattr(totals_update, "SLICE", 7)
    away = Category.objects.create(name="Away")
    jobs = [
        make_job(uma, name="first"),
        make_job(uma, name="second"),
        make_job(uma, name="far", category=away.pk),
    ]
    for _ in range(3):
        Execution.objects.bulk_create(_random_row(chance, chance.choice(jobs)) for _ in range(50))
        if request.param > 1:
            totals_update.fold(NOW + totals_update.YOUNG)
            _end_some(chance)
    if request.param == 3:
        totals_update.fold(NOW + totals_update.YOUNG)
        retention.erase(Execution, chance.sample(list(Execution.objects.values_list("pk", flat=True)), 40))
        assert totals_update.check()
    return jobs


def _end_some(chance: random.Random) -> None:
    """Of those that were open when the others were counted."""
    for run in Execution.objects.open():
        if chance.random() < 0.5:
            started = run.started_at or run.due_at
            run.state, run.started_at, run.duration = State.SUCCESS, started, chance.uniform(0, 900)
            run.finished_at = started + dt.timedelta(seconds=run.duration)
            run.save()


def _random_row(chance: random.Random, job: Job) -> Execution:
    due = NOW - dt.timedelta(seconds=chance.randrange(72 * 3600))
    found = row(job, due, due, chance.choice(list(Trigger)))
    found.state, found.slots = chance.choice(list(State)), chance.choice([1, 1, 7])
    started = found.state not in NEVER_STARTED and (found.state in ALWAYS_STARTED or chance.random() < 0.9)
    if started:
        found.started_at = due + dt.timedelta(seconds=chance.choice([0, 1, chance.randrange(2 * 3600)]))
        found.attempt = 1
    if not found.is_open:
        found.finished_at = (found.started_at or due) + dt.timedelta(seconds=chance.randrange(900))
        found.duration = chance.uniform(0, 900) if started else None
    elif found.state == State.QUEUED:
        found.held = chance.random() < 0.3
    return found


def sql(query: str, *values: Any) -> Any:
    adapted = [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, dt.datetime) else value
        for value in values
    ]
    with connection.cursor() as cursor:
        cursor.execute(query, adapted)
        # MySQL sums into decimals.
        return [float(value) if isinstance(value, Decimal) else value for value in cursor.fetchone()]


def counted(start: str | None, end: str | None, where: str = "1 = 1", *values: Any) -> Any:
    """By when they started, or were due where they never did; as the wire facts say, with `start` and without `end`."""
    moments = [moment(text) for text in (start, end) if text]
    when = "COALESCE(started_at, due_at)"
    bounds = [f"{when} {sign} %s" for sign, text in ((">=", start), ("<", end)) if text]
    return sql(COUNTS.format(where=" AND ".join([where, *bounds])), *values, *moments)


def test_the_statistics_of_all_jobs_agree(api: Api, ada: User, ledger: list[Job]) -> None:
    far = User.objects.create_user("far", role=User.Role.VIEWER, category=ledger[2].category)
    asked = [
        (ada, "", "1 = 1", ()),
        (ada, f"&job_id={ledger[0].uid}", "job_id = %s", (ledger[0].pk,)),
        (far, "", "category_id = %s", (ledger[2].category_id,)),
    ]
    for (query, start, end), (user, narrower, where, values) in product(SPANS, asked):
        told = api(user).get(f"/api/v2/executions/statistics?{query}{narrower}").json()
        total, success, failed, running, seconds, timed, _ = counted(start, end, where, *values)
        assert (told["total_executions"], told["successful_executions"]) == (total, success), query
        assert (told["failed_executions"], told["running_executions"]) == (failed, running), query
        assert success + failed + running == total
        assert told["success_rate"] == pytest.approx(100 * success / total if total else 0), query
        assert told["average_duration_seconds"] == pytest.approx(seconds / timed if timed else 0), query
        assert api(user).get(f"/api/v2/executions?{query}{narrower}").json()["total"] == total, query
        listed = (
            api(user)
            .get(f"/api/v2/executions?{query}{narrower}&state=success,lost&trigger_type=manual")
            .json()
        )
        assert listed["total"] == counted(start, end, f"{where} AND {NARROWED}", *values)[0], query


def test_the_statistics_of_one_job_agree(api: Api, ada: User, ledger: list[Job]) -> None:
    for job in ledger:
        told = api(ada).get(f"/api/v2/jobs/{job.uid}/executions/stats").json()
        total, success, failed, running, _, _, seconds = counted(None, None, "job_id = %s", job.pk)
        assert told["statistics"] == {
            "total_executions": total,
            "success_count": success,
            "failed_count": failed,
            "running_count": running,
            "success_rate": pytest.approx(100 * success / total, abs=0.005),
            "average_duration_seconds": pytest.approx(seconds / success, abs=0.005),
        }
        latest = sql(
            "SELECT MAX(due_at) FROM executions_execution WHERE job_id = %s AND state NOT IN ('missed', 'skipped')",
            job.pk,
        )[0]
        assert told["latest_execution"]["due_at"][:19] == str(latest).replace(" ", "T")[:19]


def test_the_numbers_of_the_dashboard_agree(ada: User, ledger: list[Job]) -> None:
    far = User.objects.create_user("far", role=User.Role.VIEWER, category=ledger[2].category)
    for user, where in ((ada, "1 = 1"), (far, f"category_id = {ledger[2].category_id}")):
        context = browser(user).get("/").context

        def number(condition: str, *values: Any, among: str = where) -> int:
            query = f"SELECT COUNT(*) FROM executions_execution WHERE {among} AND {condition}"
            return int(sql(query, *values)[0])

        bad = "state IN ('failed', 'timeout', 'lost', 'error', 'missed')"
        assert context["running_count"] == number("state = 'running'")
        assert context["waiting_count"] == number("state = 'queued'")
        columns = context["chart"].columns
        assert [column.begin for column in columns] == [
            moment("2026-03-10 12:30") - n * HOUR / 4 for n in range(95, -1, -1)
        ]
        assert sum(column.total for column in columns) == number("due_at >= %s", columns[0].begin)
        for column in columns:
            within = (column.begin, column.begin + HOUR / 4)
            assert column.counts == {
                "success": number("state = 'success' AND due_at >= %s AND due_at < %s", *within),
                "bad": number(f"{bad} AND due_at >= %s AND due_at < %s", *within),
                "open": number("state IN ('queued', 'running') AND due_at >= %s AND due_at < %s", *within),
                "other": number("state IN ('stopped', 'skipped') AND due_at >= %s AND due_at < %s", *within),
            }


def test_the_figures_of_the_system_agree(ledger: list[Job]) -> None:
    found = figures.count(NOW)
    query = "SELECT COALESCE(SUM(slots), 0) FROM executions_execution WHERE state = %s AND finished_at >= %s"
    told = {state: int(sql(query, state, NOW - 24 * HOUR)[0]) for state in ("lost", "missed", "skipped")}
    assert found.noticed == told
    rows = "SELECT COUNT(*) FROM executions_execution WHERE state = %s AND held = %s"
    running, queued, held = (
        sql(rows, state, is_held)[0]
        for state, is_held in (("running", False), ("queued", False), ("queued", True))
    )
    assert (found.open.running, found.open.queued, found.open.held) == (running, queued, held)
