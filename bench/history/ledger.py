"""A long ledger, made by the database itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from accounts.models import Category, User
from bench.speed import population
from executions.ledger import definitions
from executions.models import FINAL, Execution, Straggler, Watermark
from executions.monitoring import totals_update
from jobs.models import Job

# Written in the order of their time, as runs are: what is counted ends at the first one that is young.
# The newest few still run, the others have ended: mostly well.
STATES = """CASE WHEN n <= 20 THEN 'running' WHEN n % 100 < 94 THEN 'success' WHEN n % 100 < 97 THEN 'failed'
                 WHEN n % 100 = 97 THEN 'missed' WHEN n % 100 = 98 THEN 'skipped' ELSE 'lost' END"""
# In the order of time, as those of new runs are (scheduler_site/lib/database/uids.py).
UID = (
    "lpad(to_hex((extract(epoch FROM due) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)"
    " || '8' || substr(md5(random()::text), 1, 15)"
)
ROWS = f"""
INSERT INTO executions_execution (uid, job_id, job_name, job_uid, kind, definition, shared_id, target, category_id,
    scheduled_for, due_at, slots, trigger, state, reason, created_at, held, attempt, worker, stop_reason, secrets,
    started_at, finished_at, duration, response_status, result, error)
SELECT ({UID})::uuid, job.id, job.name, job.uid, job.kind, '{{}}', %(shared)s, 'https://1.1.1.1/hook',
    job.category_id, due, due, 1, 'scheduled', state, '', due, false, 1, 'io@host', '', '',
    CASE WHEN state IN ('missed', 'skipped') THEN NULL ELSE due + interval '40 milliseconds' END,
    CASE WHEN state = 'running' THEN NULL ELSE due + interval '1 second' * (1 + n %% 30) END,
    CASE WHEN state IN ('running', 'missed', 'skipped') THEN NULL ELSE 1 + n %% 30 END,
    CASE WHEN state = 'success' THEN 200 WHEN state = 'failed' THEN 500 END, '',
    CASE WHEN state = 'failed' THEN 'The webhook answered with status 500.' ELSE '' END
FROM (SELECT n, {STATES.replace("%", "%%")} AS state, %(now)s::timestamptz - interval '1 second' * (n * %(step)s) AS due
        FROM generate_series(%(rows)s, 1, -1) AS n) AS times
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM jobs_job) AS job ON job.place = 1 + n %% %(jobs)s
ORDER BY n DESC
"""
LOG = """
INSERT INTO executions_logchunk (execution_id, attempt, at, text)
SELECT id, 1, due_at, text FROM executions_execution,
    (VALUES (E'GET https://1.1.1.1/hook\\n200\\n'), ('{"ok": true, "took": 12}')) AS written (text)
WHERE started_at IS NOT NULL
"""
# What the reconciler counts turn by turn, at once: of ten million runs that takes it half an hour.
OF_RUNS = f"""category_id, kind, trigger, state, count(*), count(duration), coalesce(sum(round(duration * 1000000)), 0)
FROM executions_execution WHERE id <= %(mark)s AND state IN ({", ".join(f"'{state}'" for state in FINAL)})"""
TOTALS = f"""
INSERT INTO executions_total (scope, at, job_uid, category, kind, trigger, state, count, timed, micros)
SELECT 'job', NULL::timestamptz, job_uid, {OF_RUNS} GROUP BY job_uid, category_id, kind, trigger, state
UNION ALL SELECT 'day', date_trunc('day', coalesce(started_at, due_at), 'UTC'), NULL, {OF_RUNS}
    GROUP BY 2, category_id, kind, trigger, state
UNION ALL SELECT 'quarter', date_bin('15 minutes', due_at, '2000-01-01Z'), NULL, {OF_RUNS} AND due_at >= %(quarters)s
    GROUP BY 2, category_id, kind, trigger, state
"""
# How far a ledger reaches back by default.
DAYS = 90


def fill(rows: int, jobs: int, days: float = DAYS) -> None:
    """`rows` due times of `jobs` webhook jobs in turn, evenly over the last days, with what the runs wrote."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    User.objects.create_user("ada", "ada@example.com", role=User.Role.ADMIN)
    made = population.add(
        jobs,
        population.far(now),
        kind=Job.Kind.WEBHOOK,
        options={"target_url": "https://1.1.1.1/hook"},
        category=Category.general(),
        owner=User.objects.get(),
    )
    told = made[0].definition()
    values: dict[str, str | float | dt.datetime] = {
        "shared": definitions.find({definitions.digest(told): told})[definitions.digest(told)].pk,
        "now": now,
        "step": dt.timedelta(days=days).total_seconds() / rows,
        "rows": rows,
        "jobs": jobs,
    }
    with connection.cursor() as cursor:
        # A page must not take so long; filling the tables may.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(ROWS, values)
        cursor.execute(LOG)
        _count(cursor, now)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("RESET statement_timeout")


def _count(cursor: Any, now: dt.datetime) -> None:
    """The totals, and what they are counted up to."""
    counted = Execution.objects.filter(created_at__lte=now - totals_update.YOUNG)
    mark = counted.order_by("-pk").values_list("pk", flat=True).first() or 0
    going = counted.exclude(state__in=FINAL).values_list("pk", flat=True)
    Straggler.objects.bulk_create(Straggler(run_id=key) for key in going)
    cursor.execute(TOTALS, {"mark": mark, "quarters": now - totals_update.QUARTERS})
    Watermark.objects.update_or_create(name=totals_update.MARK, defaults={"at": mark})
    # Nothing is left to it but to agree.
    while totals_update.fold(now):
        pass
    if not totals_update.check():
        raise RuntimeError("The totals are not those of the rows.")
