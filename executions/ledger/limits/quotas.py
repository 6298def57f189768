"""Quotas: how many runs of an account and of a category are active at once and start per minute (settings; 0: no limit).

A scheduled run over the quota waits: its row says so, and the reconciler announces it again. A manual run, on a page or by the
API, is refused while the account has started too many.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Count, F
from django.utils.translation import gettext as _

from accounts.models import User
from executions.models import Execution, Reason, State, Trigger
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.lib.cache import TTLCache

MINUTE = dt.timedelta(minutes=1)
# How long a run over its quota waits before it is tried again.
AGAIN = dt.timedelta(seconds=10)
SECONDS = 1.0

# Of a run: who owns its job (key of the account), and its category.
Subject = tuple[str, int]


class TooMany(Refused):
    """Asked for too often; again in `seconds`."""

    seconds = 60


def may_ask(user: User | None, now: dt.datetime) -> None:
    """Raises TooMany when this account has asked for too many runs in the last minute."""
    most = settings.LAUNCHES_PER_MINUTE
    if not (user and most):
        return
    asked = Execution.objects.filter(requested_by=user, trigger=Trigger.MANUAL, due_at__gt=now - MINUTE)
    if asked.count() >= most:
        text = _("You have started %(limit)d runs in the last minute; wait a while (LAUNCHES_PER_MINUTE).")
        raise TooMany(text % {"limit": most})


def admit(rows: list[Execution], now: dt.datetime) -> list[Execution]:
    """Those that may start now; the others are put off. They come with `owner`, the key of their job's owner."""
    bounds = _Bounds.read()
    if not rows or not bounds.any:
        return rows
    running, started = _totals()
    if bounds.far(running + len(rows), started + len(rows)):
        return rows
    counts = _Counts.read(now)
    admitted = [row for row in rows if counts.take(row, bounds)]
    if late := {row.pk for row in rows} - {row.pk for row in admitted}:
        waiting = Execution.objects.filter(pk__in=late, state=State.QUEUED)
        waiting.update(next_attempt_at=now + AGAIN, reason=Reason.QUOTA)
    return admitted


@dataclass(frozen=True)
class _Bounds:
    """(running at once, started in a minute) of an account and of a category."""

    account: tuple[int, int]
    category: tuple[int, int]

    @classmethod
    def read(cls) -> _Bounds:
        return cls(
            (settings.RUNS_AT_ONCE_PER_ACCOUNT, settings.STARTS_PER_MINUTE_PER_ACCOUNT),
            (settings.RUNS_AT_ONCE_PER_CATEGORY, settings.STARTS_PER_MINUTE_PER_CATEGORY),
        )

    @property
    def any(self) -> bool:
        return any(self.account + self.category)

    def far(self, running: int, started: int) -> bool:
        """Whether all runs together are below every bound, so that nobody need be counted."""
        pairs = zip(self.account + self.category, (running, started) * 2, strict=True)
        return all(not bound or total <= bound for bound, total in pairs)

    def of(self, subject: Subject) -> tuple[int, int]:
        return self.account if subject[0] == "account" else self.category


@dataclass
class _Counts:
    running: Counter[Subject] = field(default_factory=Counter)
    started: Counter[Subject] = field(default_factory=Counter)

    @classmethod
    def read(cls, now: dt.datetime) -> _Counts:
        running = Execution.objects.running()
        started = Execution.objects.filter(started_at__gt=now - MINUTE)
        return cls(Counter(dict(_by_subject(running))), Counter(dict(_by_subject(started))))

    def take(self, row: Execution, bounds: _Bounds) -> bool:
        subjects = _subjects(getattr(row, "owner", None), row.category_id)
        for subject in subjects:
            at_once, in_a_minute = bounds.of(subject)
            if (at_once and self.running[subject] >= at_once) or (
                # A further attempt of a run is no further start.
                in_a_minute and row.started_at is None and self.started[subject] >= in_a_minute
            ):
                return False
        self.running.update(subjects)
        self.started.update(subjects)
        return True


def _subjects(owner: int | None, category: int | None) -> list[Subject]:
    named: list[tuple[str, int | None]] = [("account", owner), ("category", category)]
    return [(kind, key) for kind, key in named if key is not None]


def _by_subject(rows: Any) -> Iterable[tuple[Subject, int]]:
    for kind, column in (("account", F("job__owner_id")), ("category", F("category_id"))):
        counted = rows.order_by().annotate(subject=column).values("subject").annotate(runs=Count("pk"))
        yield from (((kind, one["subject"]), one["runs"]) for one in counted if one["subject"] is not None)


def _ask() -> tuple[int, int]:
    now = clock.now()
    return (
        Execution.objects.running().count(),
        Execution.objects.filter(started_at__gt=now - MINUTE).count(),
    )


_totals = TTLCache(_ask, SECONDS)
