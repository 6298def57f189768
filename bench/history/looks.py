"""What people and machines look at, and the statements that would fetch the same rows."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.signin import json_web_tokens
from executions.monitoring import figures
from jobs.models import Job

TARGET = 3.0
API = "/api/v2"
RUN = "SELECT * FROM executions_execution"
COUNT = "SELECT count(*) FROM executions_execution"
RAN = "state NOT IN ('missed', 'skipped')"
NEWEST = "ORDER BY due_at DESC, id DESC LIMIT"
TOTALS = (
    "SELECT count(*), count(*) FILTER (WHERE state = 'success'), count(*) FILTER (WHERE state IN ('queued', 'running')),"
    " avg(duration) FROM executions_execution"
)
BAD = "state IN ('failed', 'timeout', 'lost', 'error', 'missed')"
JOBS = (
    "SELECT * FROM jobs_job LEFT JOIN django_celery_beat_periodictask task ON task.id = periodic_task_id"
    " LEFT JOIN django_celery_beat_crontabschedule cron ON cron.id = task.crontab_id"
)
LAST_START = (
    " LEFT JOIN LATERAL (SELECT started_at FROM executions_execution WHERE job_id = jobs_job.id"
    " AND started_at IS NOT NULL ORDER BY due_at DESC, id DESC LIMIT 1) AS run ON true"
)
MOST_AT_ONCE = 100_000
SEARCHES = {
    "job 77": "jobs_job.name ILIKE '%job%' AND jobs_job.name ILIKE '%77%'",
    "kind:webhook owner:ada": "kind = 'webhook' AND owner_id IN (SELECT id FROM accounts_user WHERE username = 'ada')",
    "is:failing": "EXISTS (SELECT FROM incidents_incident WHERE open_job = jobs_job.uid)",
    "is:paused": "periodic_task_id IN (SELECT id FROM django_celery_beat_periodictask WHERE NOT enabled)",
}


@dataclass(frozen=True)
class Look:
    """A route, and plain statements for the rows that its answer shows; who asks is found out by the route alone."""

    name: str
    path: str
    plain: Sequence[str]


def looks(job: Job, now: dt.datetime) -> list[Look]:
    return [*of_the_ledger(now), *of_a_job(job), *of_many_jobs(now)]


def of_the_ledger(now: dt.datetime) -> list[Look]:
    week = now - dt.timedelta(days=7)
    # What started in the week, and what has not started but was due in it: the documented meaning of `from`.
    since = f"(started_at >= '{week}' OR (started_at IS NULL AND due_at >= '{week}'))"
    failed = f"state IN ('failed', 'timeout', 'stopped', 'lost', 'error', 'queued', 'running') AND {since}"
    spanned = f"from={week:%Y-%m-%dT%H:%M:%SZ}"
    return [
        Look("API: executions, page 1", f"{API}/executions", [f"{COUNT} WHERE {RAN}", f"{RUN} WHERE {RAN} {NEWEST} 20"]),
        Look("API: executions, cursor", f"{API}/executions?cursor=", [f"{RUN} WHERE {RAN} {NEWEST} 21"]),
        Look(
            "API: executions, failed of a week",
            f"{API}/executions?status=failed,running&{spanned}",
            [f"{COUNT} WHERE {failed}", f"{RUN} WHERE {failed} {NEWEST} 20"],
        ),
        Look("API: statistics of all", f"{API}/executions/statistics", [f"{TOTALS} WHERE {RAN}"]),
        Look("API: statistics of a week", f"{API}/executions/statistics?{spanned}", [f"{TOTALS} WHERE {RAN} AND {since}"]),
        Look("page: executions", "/executions", [f"{RUN} {NEWEST} 51"]),
        Look("page: executions, bad of a job's name", "/executions?state=bad&q=job+77", [
            f"{RUN} WHERE {BAD} AND job_id IN (SELECT id FROM jobs_job WHERE name ILIKE '%job 77%') {NEWEST} 51"]),
    ]  # fmt: skip


def of_a_job(job: Job) -> list[Look]:
    of_job, path = f"job_id = {job.pk}", f"{API}/jobs/{job.uid}/executions"
    itself, latest = f"{JOBS} WHERE jobs_job.id = {job.pk}", f"{RUN} WHERE {of_job} AND {RAN} {NEWEST}"
    around = [
        f"SELECT * FROM jobs_dependency WHERE {of_job} OR after_id = {job.pk}",
        f"SELECT * FROM jobs_pause WHERE {of_job} AND ended_at IS NULL",
        f"{RUN} WHERE {of_job} {NEWEST} 20",
        f"SELECT * FROM audit_entry WHERE object_uid = '{job.uid.hex}' ORDER BY at DESC, id DESC LIMIT 5",
    ]
    return [
        Look("API: executions of a job", path, [itself, f"{latest} 51"]),
        Look(
            "API: statistics of a job",
            f"{path}/stats",
            [itself, f"{TOTALS} WHERE {of_job} AND {RAN}", f"{latest} 1"],
        ),
        Look("page: a job", f"/jobs/{job.uid}", [itself, *around]),
    ]


def of_many_jobs(now: dt.datetime) -> list[Look]:
    since = f"due_at >= '{now - dt.timedelta(days=1)}'"
    dashboard = [
        f"{RUN} WHERE state = 'running' ORDER BY started_at LIMIT 10",
        f"{COUNT} WHERE state = 'running'",
        f"{COUNT} WHERE state = 'queued'",
        f"{RUN} WHERE {BAD} AND {since} {NEWEST} 10",
        f"{COUNT} WHERE {BAD} AND {since}",
        f"{JOBS} WHERE next_run_at IS NOT NULL ORDER BY next_run_at LIMIT 10",
        f"SELECT date_trunc('hour', due_at), state, count(*) FROM executions_execution WHERE {since} GROUP BY 1, 2",
    ]
    first = "SELECT id FROM jobs_job ORDER BY name LIMIT 50"
    of_first = (
        f"SELECT run.* FROM ({first}) job CROSS JOIN LATERAL ({RUN} WHERE job_id = job.id {NEWEST} 20) run"
    )
    everything = Look(
        "API: jobs", f"{API}/jobs", [JOBS.replace("SELECT *", "SELECT *, run.started_at") + LAST_START]
    )
    return [
        # It is not paged: of a million jobs it is a gigabyte.
        *([everything] if Job.objects.count() <= MOST_AT_ONCE else []),
        Look("page: dashboard", "/", dashboard),
        Look("page: jobs", "/jobs", [
            "SELECT count(*) FROM jobs_job", f"{JOBS} ORDER BY jobs_job.name LIMIT 50",
            "SELECT * FROM accounts_category", of_first]),
        *(
            Look(f"page: jobs, {words}", f"/jobs?q={quote_plus(words)}", [
                f"SELECT count(*) FROM jobs_job WHERE {where}",
                f"{JOBS} WHERE {where} ORDER BY jobs_job.name LIMIT 50"])
            for words, where in SEARCHES.items()
        ),
    ]  # fmt: skip


class Statements:
    """An execute wrapper that adds up how long statements take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slowest: tuple[float, str, Any] = (0.0, "", None)
        self.count = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, *rest)
        finally:
            took = time.perf_counter() - began
            self.seconds, self.count = self.seconds + took, self.count + 1
            self.slowest = max(self.slowest, (took, sql, params), key=lambda one: one[0])


def table(repeats: int, *, explain: bool = False) -> None:
    ada = User.objects.get(username="ada")
    machine = Client(
        SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {json_web_tokens.issue(ada)[0]}"}
    )
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(ada)
    job = Job.objects.order_by("id")[77]
    print(f"{'':40}{'total':>9}{'database':>10}{'queries':>8}{'plain':>9}{'total/plain':>13}{'db/plain':>10}")
    for look in looks(job, dt.datetime.now(dt.UTC).replace(microsecond=0)):
        client = machine if look.path.startswith(API) else browser
        _line(look, client, repeats, explain=explain)


def _line(look: Look, client: Client, repeats: int, *, explain: bool) -> None:
    totals, inside, plain = [], [], []
    for _ in range(repeats + 1):
        # One after the other, so that a busy moment of the machine hits both.
        plain.append(_timed(lambda: _fetch(look.plain)))
        figures.current.forget()
        statements = Statements()
        with connection.execute_wrapper(statements):
            totals.append(_timed(lambda: _get(client, look.path)))
        inside.append(statements.seconds)
    total, database, by_hand = (statistics.median(values[1:]) * 1000 for values in (totals, inside, plain))
    ratios = total / by_hand, database / by_hand
    missed = "" if ratios[1] <= TARGET else "  MISSED"
    print(
        f"{look.name:40}{total:7.1f} ms{database:7.1f} ms{statements.count:8}{by_hand:6.1f} ms"
        f"{ratios[0]:12.1f}x{ratios[1]:9.1f}x{missed}",
        flush=True,
    )
    if explain:
        _explain(statements)


def _timed(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}.")
    for _part in getattr(answer, "streaming_content", ()):
        pass


def _fetch(queries: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(query)
            cursor.fetchall()


def _explain(statements: Statements) -> None:
    _, sql, params = statements.slowest
    print(sql[:2000])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        print("\n".join(f"    {line}" for (line,) in cursor.fetchall()))
