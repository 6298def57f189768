"""Concurrency limits: how many runs of a job, of a category, or of all jobs with the same key are active at once (places).

Active runs are counted in the rows each time, so a crash leaves no place taken. The worker that counts locks the row of the
scope until its claim is committed, so two workers cannot take the same place. A run without a place is marked with the scope
that it waits for. When a run of that scope ends, the first waiting run by priority and due time is announced, and no later run
takes its place.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from accounts.models import Category
from audit.models import Entry
from audit.record import Actor, record
from executions.ledger.publish import of_queue, publish, queue_of
from executions.models import Execution, ExecutionQuerySet, Limit, State
from jobs.models import Job
from jobs.models.job import PRIORITY

# Of a key for which nobody has said more.
ONE = 1
MOST = 1000
AT_ONCE = 1000
# The order of start.
ORDER = ("-priority", "due_at", "id")
# After at most this many seconds a process notices that jobs have priorities.
REMEMBERED = 5.0

# What a claim must know of a run besides its columns.
KNOWN: dict[str, Any] = {
    "job_most": F("job__max_running"),
    "category_most": Subquery(Limit.objects.filter(category_id=OuterRef("category_id")).values("most")[:1]),
}


def scopes_of(run: Execution) -> tuple[str, ...]:
    """The scopes in which a run needs a place; none, mostly. The run was read with KNOWN."""
    found = [f"category:{run.category_id}"] if getattr(run, "category_most", None) else []
    found += [f"job:{run.job_id}"] if getattr(run, "job_most", None) else []
    found += [f"key:{run.limit_key}"] if run.limit_key else []
    return tuple(sorted(found))


@transaction.atomic
def admit(rows: Sequence[Execution], now: dt.datetime) -> list[Execution]:
    """The runs that get a place in each of their scopes; the others wait. To be called in the transaction that
    claims them."""
    scopes = {row.pk: scopes_of(row) for row in rows}
    most = _locked({scope for theirs in scopes.values() for scope in theirs}, rows)
    free = {scope: number - running(scope) for scope, number in most.items()}
    ahead = {scope: _first(scope, free[scope], rows, now) for scope in most}
    admitted, waiting, unused = [], dict[str, list[int]](), set[str]()
    for row in sorted(rows, key=lambda one: (-one.priority, one.due_at, one.pk)):
        lacking = [scope for scope in scopes[row.pk] if free[scope] <= 0 or row.pk not in ahead[scope]]
        if lacking:
            # For the one that is full rather than the one in which others come first.
            waiting.setdefault(min(lacking, key=lambda scope: free[scope] > 0), []).append(row.pk)
            unused |= {scope for scope in scopes[row.pk] if scope not in lacking}
            continue
        for scope in scopes[row.pk]:
            free[scope] -= 1
        admitted.append(row)
    for scope, keys in waiting.items():
        Execution.objects.filter(pk__in=keys, state=State.QUEUED).update(waits_for=scope)
    if left := {scope for scope in unused if free[scope] > 0}:
        # Their turn, but not their place: of those behind them some may start.
        transaction.on_commit(partial(wake, left))
    return admitted


def _locked(scopes: set[str], rows: Sequence[Execution]) -> dict[str, int]:
    """How many may run, by scope, whose rows are locked in one order."""
    names = sorted(scopes)
    known = set(Limit.objects.filter(scope__in=names).values_list("scope", flat=True))
    Limit.objects.bulk_create(
        [Limit(scope=name) for name in names if name not in known], ignore_conflicts=True
    )
    own = {f"job:{row.job_id}": getattr(row, "job_most", None) or ONE for row in rows}
    return {limit.scope: limit.most or own.get(limit.scope, ONE) for limit in _lock(names)}


def _lock(scopes: Sequence[str]) -> list[Limit]:
    """Their rows, where there are any, locked in one order until the transaction ends."""
    found = Limit.objects.filter(scope__in=scopes).order_by("scope")
    return list(found.select_for_update() if connection.features.has_select_for_update else found)


def _of(scope: str) -> ExecutionQuerySet:
    kind, _colon, value = scope.partition(":")
    column = {"key": "limit_key", "category": "category_id", "job": "job_id"}[kind]
    return Execution.objects.filter(**{column: value})


def running(scope: str) -> int:
    """How many runs of a scope (`key:NAME`, `category:KEY`, `job:KEY`) go on."""
    return _of(scope).running().count()


def _first(scope: str, free: int, rows: Sequence[Execution], now: dt.datetime) -> set[int]:
    """The keys of those whose turn it is in a scope: also of runs that others are about to claim.

    Of each queue by itself: where all workers of one are busy, those of the other do not wait for it.
    """
    waiting = (
        _of(scope).filter(state=State.QUEUED, held=False, waits_for__in=("", scope)).free().exclude(job=None)
    )
    waiting = waiting.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)).order_by(*ORDER)
    queues = {queue_of(row.kind) for row in rows}
    return {
        key
        for queue in queues
        for key in waiting.filter(of_queue(queue)).values_list("pk", flat=True)[: max(free, 0)]
    }


def wake(scopes: Iterable[str]) -> None:
    """Publishes the next waiting runs of these scopes: as many as there are free places."""
    for scope in sorted(set(scopes)):
        _wake(scope)


@transaction.atomic
def _wake(scope: str) -> None:
    """A claim that has counted before the end of a run is waited for: who waits since then is on record afterwards."""
    _lock([scope])
    waiting = _of(scope).filter(state=State.QUEUED, waits_for=scope).free().order_by(*ORDER)
    free = most_of(scope) - running(scope)
    runs = list(waiting.only("uid", "kind")[:free]) if free > 0 else []
    if runs:
        Execution.objects.filter(pk__in=[run.pk for run in runs], waits_for=scope).update(waits_for="")
        transaction.on_commit(partial(publish, runs))


def wake_all() -> None:
    """After crashes, and when a limit has changed without a run that ended: each scope for which somebody waits."""
    waiting = Execution.objects.filter(state=State.QUEUED).exclude(waits_for="").order_by()
    wake(list(waiting.values_list("waits_for", flat=True).distinct()[:AT_ONCE]))


def most_of(scope: str) -> int:
    """How many runs of a scope may go on at once; of a category without a limit, and of a job, very many."""
    found = Limit.objects.filter(scope=scope).values_list("most", flat=True).first()
    if found:
        return found
    kind, _colon, value = scope.partition(":")
    if kind == "job":
        own = Job.objects.filter(pk=value).values_list("max_running", flat=True).first()
        return own or AT_ONCE
    return ONE if kind == "key" else AT_ONCE


# What administrators say -------------------------------------------------------------------------------------------


def is_key(text: str) -> bool:
    """Whether a text can be a limit key: the same rule as that of `Job.limit_key`."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) is not None


def shown() -> list[Limit]:
    """Those of keys and categories: all that were used, or that somebody has set."""
    keys = Q(scope__startswith="key:")
    rows = Limit.objects.filter(keys | Q(category__isnull=False, most__isnull=False))
    return list(rows.select_related("category").order_by("scope")[:AT_ONCE])


def waiting(scope: str) -> int:
    """How many queued runs wait for a place of this scope."""
    return Execution.objects.filter(state=State.QUEUED, waits_for=scope).count()


@transaction.atomic
def set_limit(most: int | None, *, by: Actor, key: str = "", category: Category | None = None) -> Limit:
    """How many runs of a key or of a category may go on at once; none: as if nobody had said anything."""
    scope = f"category:{category.pk}" if category else f"key:{key}"
    Limit.objects.bulk_create([Limit(scope=scope, category=category)], ignore_conflicts=True)
    limit = Limit.objects.select_for_update().get(scope=scope)
    if limit.most != most:
        changes = {"most": {"old": limit.most, "new": most}}
        limit.most = most
        limit.save(update_fields=["most"])
        record(Entry.Event.MODIFIED, limit, by=by, changes=changes)
        transaction.on_commit(partial(wake, [scope]))
    return limit


# Priorities --------------------------------------------------------------------------------------------------------


class _Remembered:
    """Whether any job has another priority than the usual one: mostly not, and then nobody asks who is first."""

    def __init__(self) -> None:
        self.at, self.answer = -REMEMBERED, False

    def __call__(self) -> bool:
        if time.monotonic() - self.at > REMEMBERED:
            self.answer = Job.objects.exclude(priority=PRIORITY).exists()
            self.at = time.monotonic()
        return self.answer


differ = _Remembered()


def preferred(queue: str, count: int, now: dt.datetime, *, tried: Collection[str] = ()) -> list[str]:
    """The ids of the runs of a queue to claim instead of those that messages name: at most `count`, those of the highest
    priority, without those that were tried already.

    Each message is worth a run, whichever it names: those that it named are claimed by the messages of the others.
    """
    startable = Execution.objects.startable(now).exclude(job=None).exclude(uid__in=tried).order_by(*ORDER)
    return [str(uid) for uid in startable.filter(of_queue(queue)).values_list("uid", flat=True)[:count]]


# Telling -----------------------------------------------------------------------------------------------------------


def name_of(scope: str) -> tuple[str, str]:
    """`("key", "warehouse-db")`, `("category", its name)`, `("job", its name)`."""
    kind, _colon, value = scope.partition(":")
    if kind == "category":
        return kind, str(Category.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    if kind == "job":
        return kind, str(Job.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    return kind, value


@lru_cache(maxsize=256)
def _figures(scope: str, _second: int) -> dict[str, Any]:
    """Asked once a second for all rows of a list that wait for the same."""
    return {"name": name_of(scope)[1], "running": running(scope), "most": most_of(scope)}


def described(run: Execution) -> str:
    """What a queued run waits for, as people are told; empty where it waits for a worker only."""
    if run.state != State.QUEUED:
        return ""
    if run.held:
        return _("Waits until an earlier run of the job has ended.")
    if not run.waits_for:
        return ""
    kind = run.waits_for.partition(":")[0]
    text = {
        "key": _("Waits for a free place of the key %(name)s (%(running)s of %(most)s running)."),
        "category": _("Waits for a free place of the category %(name)s (%(running)s of %(most)s running)."),
        "job": _("Waits for a free place of its job (%(running)s of %(most)s running)."),
    }
    return text[kind] % _figures(run.waits_for, int(time.monotonic()))
