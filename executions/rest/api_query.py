"""Which runs a request asks for: filters, pages and cursors (wire facts, section 9)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.roles import home_category
from executions.models import NOT_RUN, Execution, ExecutionQuerySet, State, Trigger
from executions.monitoring import totals
from executions.monitoring.totals import RunFilter
from executions.rest.wire import STATUS, for_wire
from jobs.models import Job
from scheduler_site.lib.database import keyset
from scheduler_site.rest.parameters import PAGE, RANGE, Integer, Text, Words
from scheduler_site.rest.views import ApiError, as_uuid, date_range

LIMIT = Integer("limit", "How many on a page.", default=20, high=200)
JOB_LIMIT = Integer("limit", "How many.", default=50, high=200)
CURSOR = Text("cursor", "`next_cursor` or `previous_cursor` of an earlier answer; empty for the beginning.")
CURSOR_FOR_PAGE = Text(CURSOR.name, f"{CURSOR.about} Takes the place of `page`.")
STATUSES = Words(
    "status",
    "Only these, separated by commas: running, success, failed, missed, skipped. Without `status` and `state` all runs, but "
    "no missed or skipped due times.",
    rules={"examples": ["failed,running"]},
    known=set(STATUS.values()),
)
STATES = Words("state", f"Only these, separated by commas: {', '.join(State.values)}.", known=State.values)
TRIGGERS = Words(
    "trigger_type", f"Only these, separated by commas: {', '.join(Trigger.values)}.", known=Trigger.values
)
KINDS = Words(
    "execution_type",
    f"Only these kinds of job, separated by commas: {', '.join(Job.Kind.values)}.",
    known=Job.Kind.values,
)
JOB_ID = Text("job_id", "Only the runs of the job with this id.")
CHOICE = (STATUSES, STATES, TRIGGERS, KINDS, JOB_ID, *RANGE)
ORDER = keyset.Keyset("due_at")


@dataclass(frozen=True)
class Page:
    """Some runs, the latest due first. `total` is None where it was not counted, a cursor where there is nothing more."""

    executions: list[Execution]
    next_cursor: str | None
    previous_cursor: str | None = None
    total: int | None = None
    number: int = 1
    limit: int = 0

    @property
    def pages(self) -> int:
        return math.ceil((self.total or 0) / self.limit)


def choice(user: User, params: Mapping[str, Any]) -> RunFilter:
    """The runs that the parameters choose; without `status` or `state` only runs, no missed or skipped due times.

    Unknown values match nothing, empty ones everything. 400 for odd dates.
    """
    statuses, states = STATUSES.all_of(params), STATES.all_of(params)
    chosen = set(State.values) - (set() if statuses or states else set(NOT_RUN))
    if statuses:
        chosen &= {state for state, status in STATUS.items() if status in statuses}
    if states:
        chosen &= set(states)
    only: dict[str, Any] = {"state__in": sorted(chosen)}
    if triggers := TRIGGERS.all_of(params):
        only["trigger__in"] = triggers
    if kinds := KINDS.all_of(params):
        only["kind__in"] = kinds
    return of_anybody(user, params, **only)


def of_anybody(user: User, params: Mapping[str, Any], **only: Any) -> RunFilter:
    """The runs that the account may see; with `job_id` those of the job with this id."""
    rows, between, category = Execution.objects.visible_to(user), date_range(params), home_category(user)
    if not user.has_perm("executions.view_execution"):
        return RunFilter(rows)
    job_id = JOB_ID.of(params)
    if not job_id:
        return totals.of_all(rows, category, between, **only)
    uid = as_uuid(job_id)
    if uid and Job.objects.filter(uid=uid).exists():
        return totals.of_job(rows, uid, category, between, **only)
    return RunFilter(rows.filter(job__uid=uid, **only) if uid else rows.none(), None, between)


def page(chosen: RunFilter, params: Mapping[str, Any]) -> Page:
    """By number and with the total, or, where there is a `cursor`, what lies beyond it without counting anything.

    422 for `page` and `limit` out of bounds, 400 for a cursor that is none of ours.
    """
    number, limit, rows = PAGE.of(params), LIMIT.of(params), chosen.matching()
    if "cursor" in params:
        return beyond(rows, params["cursor"], limit)
    total = chosen.count()
    first = (number - 1) * limit
    # A page beyond the end is not looked for: skipping rows costs as much as reading them.
    found = _loaded(rows, first, limit) if first < total else []
    older = ORDER.mark(found[-1]) if found and first + limit < total else None
    newer = ORDER.mark(found[0]) + keyset.NEWER if found and first else None
    return Page(found, older, newer, total, number, limit)


def beyond(rows: ExecutionQuerySet, cursor: str, limit: int) -> Page:
    """The `limit` rows next to a cursor, on the side that it points to; for an empty one, the newest.

    Costs the same however far down the ledger it lies.
    """
    try:
        page = ORDER.page(for_wire(rows), cursor, keyset.first(limit))
    except ValueError as error:
        reason = "Take next_cursor or previous_cursor of an earlier answer."
        raise ApiError(400, "Invalid cursor", reason) from error
    return Page(page.rows, page.older or None, page.newer or None, limit=limit)


def _loaded(rows: ExecutionQuerySet, first: int, limit: int) -> list[Execution]:
    """First which rows, then all about them: to sort thousands of whole rows takes longer than to find them twice."""
    keys = list(rows.values_list("pk", flat=True)[first : first + limit])
    found = {run.pk: run for run in for_wire(Execution.objects.filter(pk__in=keys))}
    return [found[key] for key in keys if key in found]
