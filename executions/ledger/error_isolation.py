"""Error isolation: one row or one step that fails does not stop the others.

A temporary error (the database cannot be reached) is raised at once, because the others would fail as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from scheduler_site.lib.database.errors import passes

log = logging.getLogger("executions.ledger.error_isolation")
Row = TypeVar("Row")


def each(rows: Iterable[Row], step: Callable[[Row], object], what: str) -> None:
    """Does the step for every row; those in which it fails are logged as `<what>_failed`, with the row."""
    for row in rows:
        try:
            step(row)
        except Exception as error:
            if passes(error):
                raise
            log.exception(f"{what}_failed", extra={"row": str(row)})


def together(rows: Sequence[Row], step: Callable[[list[Row]], object], what: str) -> None:
    """Does the step for all at once, which must do all or nothing; for each by itself when one of them spoils it."""
    if not rows:
        return
    try:
        step(list(rows))
    except Exception as error:
        if passes(error):
            raise
        each(rows, lambda row: step([row]), what)


def steps(*all_of_them: Callable[[], object]) -> None:
    """Takes all steps, and raises the first error only then."""
    errors: list[Exception] = []
    for step in all_of_them:
        try:
            step()
        except Exception as error:
            if passes(error):
                raise
            errors.append(error)
            log.exception("step_failed")
    if errors:
        raise errors[0]
