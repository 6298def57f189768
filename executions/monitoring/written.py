"""The ends of what runs wrote, of all runs of an answer in one statement: no log is read for it, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from executions.models import Execution
from jobs.models import Job

# Characters of a piece.
SIZE = 1000
# Written out, since this is asked for each list: three looks at the index of pieces for a run. Of code the last piece is told
# from its end, of calls from its beginning.
_STATEMENT = """
SELECT run.id,
       (SELECT substr(text, 1, {size}) FROM executions_logchunk WHERE {own} ORDER BY id LIMIT 1),
       (SELECT substr(text, 1, {size}) FROM executions_logchunk WHERE {own} ORDER BY id LIMIT 1 OFFSET 1),
       (SELECT CASE WHEN run.kind IN ({code}) THEN {end} ELSE substr(text, 1, {size}) END
          FROM executions_logchunk WHERE {own} ORDER BY id DESC LIMIT 1)
  FROM executions_execution run WHERE run.id IN ({runs})
"""
_OWN = "execution_id = run.id AND attempt = run.attempt"


class Written(NamedTuple):
    """Pieces of the last attempt; None where there is none. `last` may be the first as well."""

    first: str | None = None
    second: str | None = None
    last: str | None = None

    @property
    def goes_on(self) -> bool:
        """Whether there is more than one piece."""
        return self.second is not None


NOTHING = Written()


def of(runs: Sequence[Execution]) -> dict[int, Written]:
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_statement(len(runs)), [*sorted(Job.CODE_KINDS), *(run.pk for run in runs)])
        return {key: Written(*pieces) for key, *pieces in cursor.fetchall()}


def _statement(count: int) -> str:
    end = f"substr(text, -{SIZE})" if connection.vendor == "sqlite" else f"right(text, {SIZE})"
    code, runs = (", ".join(["%s"] * number) for number in (len(Job.CODE_KINDS), count))
    return _STATEMENT.format(size=SIZE, own=_OWN, end=end, code=code, runs=runs)
