"""The newest rows of many jobs at once: as many index entries are read as are shown, however long the ledger is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from accounts.roles import home_category

# In the place of a state: it counts as a success although it ended with another exit code than 0 (`Execution.has_warning`).
WARNED = "warned"
# PostgreSQL goes through the jobs in one plan, and says only of the newest which one it is: values that nobody looks at cost
# more to read than the rows. The others are given a part of the statement for each job.
_LATERAL = """
SELECT wanted.id, run.* FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL
    (SELECT CASE WHEN state = 'success' AND exit_code <> 0 THEN 'warned' ELSE state END,
            CASE WHEN row_number() OVER newest = 1 THEN uid END, CASE WHEN row_number() OVER newest = 1 THEN due_at END
       FROM executions_execution WHERE job_id = wanted.id AND (%s::bigint IS NULL OR category_id = %s)
     WINDOW newest AS (ORDER BY due_at DESC, id DESC) ORDER BY due_at DESC, id DESC LIMIT %s) AS run
"""
_PART = """
SELECT * FROM (SELECT job_id, CASE WHEN state = 'success' AND exit_code <> 0 THEN 'warned' ELSE state END AS shown, uid, due_at
                 FROM executions_execution
                WHERE job_id = %s AND (%s IS NULL OR category_id = %s) ORDER BY due_at DESC, id DESC LIMIT %s) AS part
"""


class Recent(NamedTuple):
    """The states of the last rows of a job, or WARNED, newest first; which one is the newest, and when that was due."""

    states: list[str]
    uid: uuid.UUID
    due_at: dt.datetime


def of_jobs(jobs: Sequence[int], user: User, count: int) -> dict[int, Recent]:
    """The last `count` rows of each job that `user` may see; of jobs without a row nothing."""
    if not jobs or not user.has_perm("executions.view_execution"):
        return {}
    home = home_category(user)
    found: dict[int, Recent] = {}
    with connection.cursor() as cursor:
        cursor.execute(*_statement(jobs, (home, home, count)))
        for job, state, uid, due_at in cursor.fetchall():
            if job in found:
                found[job].states.append(state)
            else:
                found[job] = Recent([state], _uid(uid), _moment(due_at))
    return found


def _statement(jobs: Sequence[int], rest: tuple[Any, ...]) -> tuple[str, list[Any]]:
    if connection.vendor == "postgresql":
        return _LATERAL, [list(jobs), *rest]
    return " UNION ALL ".join([_PART] * len(jobs)), [value for job in jobs for value in (job, *rest)]


def _uid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def _moment(value: Any) -> dt.datetime:
    """As drivers hand it over: a text without a zone (SQLite), a time without one (MySQL), or the moment."""
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
