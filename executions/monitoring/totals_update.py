"""The totals of ended runs, kept exact by whoever has locked their mark.

The rows up to the mark are counted, but for the stragglers among them, which had not ended then; what lies beyond it and the
stragglers are few, and whoever asks counts them live (executions/monitoring/totals.py). What is counted has ended, and does
not change any more; when it is removed it is taken away here, in the same transaction.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, Sum

from executions.models import FINAL, Execution, Straggler, Total, Watermark

log = logging.getLogger("executions.monitoring.totals_update")

MARK = "totals"
SLICE = 2000
# Seconds that one turn may take.
SPENT = 1.0
# Transactions end sooner: keys that are still to come are higher than those of rows that are so old.
YOUNG = dt.timedelta(minutes=10)
# Totals of quarters of an hour are kept for this long.
QUARTERS = dt.timedelta(days=3)
BATCH = 500
Scope = Total.Scope


class Row(NamedTuple):
    """What is counted of a run."""

    pk: int
    created_at: dt.datetime
    job_uid: Any
    category_id: int
    kind: str
    trigger: str
    state: str
    started_at: dt.datetime | None
    due_at: dt.datetime
    duration: float | None


class Key(NamedTuple):
    scope: str
    at: dt.datetime | None
    job_uid: Any
    category: int
    kind: str
    trigger: str
    state: str


# count, timed, micros
Sums = dict[Key, list[int]]


def fold(now: dt.datetime) -> int:
    """Counts what has ended since the last turn; how many runs."""
    Watermark.objects.get_or_create(name=MARK)
    began, done = time.monotonic(), _fold_stragglers(now)
    while found := _fold(now):
        done += found
        if found < SLICE or time.monotonic() - began > SPENT:
            break
    Total.objects.filter(scope=Scope.QUARTER, at__lt=now - QUARTERS).delete()
    return done


def locked() -> int:
    """The mark, which nobody moves until the transaction ends. No row at all: nothing is counted yet."""
    return Watermark.objects.select_for_update().filter(name=MARK).values_list("at", flat=True).first() or 0


@transaction.atomic
def _fold(now: dt.datetime) -> int:
    mark = locked()
    rows: list[Row] = []
    # One statement, and so one moment: a run has ended, or it has not.
    for row in _read(Execution.objects.filter(pk__gt=mark).order_by("pk")[:SLICE]):
        if row.created_at > now - YOUNG:
            break
        rows.append(row)
    if rows:
        _add(_sums((row for row in rows if row.state in FINAL), 1, now - QUARTERS))
        Straggler.objects.bulk_create(Straggler(run_id=row.pk) for row in rows if row.state not in FINAL)
        Watermark.objects.filter(name=MARK).update(at=rows[-1].pk)
    return len(rows)


@transaction.atomic
def _fold_stragglers(now: dt.datetime) -> int:
    locked()
    waiting = Straggler.objects.values("run_id")
    ended = list(_read(Execution.objects.filter(pk__in=waiting, state__in=FINAL).order_by("pk")[:SLICE]))
    if ended:
        _add(_sums(ended, 1, now - QUARTERS))
        Straggler.objects.filter(run__in=[row.pk for row in ended]).delete()
    return len(ended)


def take_away(keys: Collection[int], now: dt.datetime) -> None:
    """Of runs that are about to be removed, in the same transaction."""
    mark = locked()
    late = set(Straggler.objects.filter(run__in=keys).values_list("run_id", flat=True))
    gone = [row for row in _read(Execution.objects.filter(pk__in=keys, pk__lte=mark)) if row.pk not in late]
    _add(_sums(gone, -1, now - QUARTERS))


@transaction.atomic
def check() -> bool:
    """Whether the totals are those of the rows that are there. If not (rows were removed by hand, or by a program of a release
    that had no totals), they are forgotten, and made anew in the turns that follow."""
    mark, days, jobs = locked(), Q(scope=Scope.DAY), Q(scope=Scope.JOB)
    asked = Total.objects.aggregate(days=Sum("count", filter=days), jobs=Sum("count", filter=jobs))
    told = {name: number or 0 for name, number in asked.items()}
    counted = Execution.objects.filter(pk__lte=mark).count() - Straggler.objects.count()
    if told["days"] == told["jobs"] == counted or not mark:
        return True
    log.warning("totals_made_anew", extra={"rows": counted, **told})
    for model in (Total, Straggler):
        rows = model._base_manager.all()
        rows._raw_delete(using=rows.db)
    Watermark.objects.filter(name=MARK).update(at=0)
    return False


def _read(rows: Any) -> Iterator[Row]:
    return (Row(*values) for values in rows.values_list(*Row._fields))


def _sums(rows: Iterable[Row], sign: int, since: dt.datetime) -> Sums:
    sums: Sums = {}
    for row in rows:
        what = (row.category_id, row.kind, row.trigger, row.state)
        quarter = row.due_at.replace(minute=row.due_at.minute // 15 * 15, second=0, microsecond=0)
        keys = [
            Key(Scope.JOB, None, row.job_uid, *what),
            Key(Scope.DAY, day(row.started_at or row.due_at), None, *what),
        ]
        if quarter >= since:
            keys.append(Key(Scope.QUARTER, quarter, None, *what))
        timed = row.duration is not None
        for key in keys:
            sum_ = sums.setdefault(key, [0, 0, 0])
            sum_[0] += sign
            sum_[1] += sign * timed
            sum_[2] += sign * round((row.duration or 0.0) * 1_000_000)
    return sums


def day(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _add(sums: Sums) -> None:
    """By new rows in the place of those that are there: one writer, three statements."""
    old: list[int] = []
    for row in _present(sums):
        key = Key(*(getattr(row, name) for name in Key._fields))
        if key in sums:
            old.append(row.pk)
            sums[key] = [a + b for a, b in zip(sums[key], (row.count, row.timed, row.micros), strict=True)]
    new = [
        Total(**key._asdict(), count=count, timed=timed, micros=micros)
        for key, (count, timed, micros) in sums.items()
        if count > 0
    ]
    rows = Total.objects.filter(pk__in=old)
    rows._raw_delete(using=rows.db)
    Total.objects.bulk_create(new, batch_size=BATCH)


def _present(sums: Sums) -> Iterator[Total]:
    jobs = list({key.job_uid for key in sums if key.scope == Scope.JOB})
    for start in range(0, len(jobs), BATCH):
        yield from Total.objects.filter(scope=Scope.JOB, job_uid__in=jobs[start : start + BATCH])
    for scope in (Scope.DAY, Scope.QUARTER):
        if times := {key.at for key in sums if key.scope == scope}:
            yield from Total.objects.filter(scope=scope, at__in=times)
