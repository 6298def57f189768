"""Signs of life: every long-lived process keeps a row fresh; health is read from their age."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable

from django.utils import timezone

from executions.models import Heartbeat

EVERY = 5.0
# Older than this, a process counts as silent; much older, as gone for good.
FRESH = dt.timedelta(seconds=20)
GONE = dt.timedelta(hours=1)

_last: dict[str, float] = {}


def beat(name: str, roles: Iterable[str]) -> None:
    """Shows that a process lives, at most every five seconds."""
    if time.monotonic() - _last.get(name, -EVERY) < EVERY:
        return
    now = timezone.now()
    for role in roles:
        full = f"{role} {name}"[:120]
        if not Heartbeat.objects.filter(name=full).update(at=now):
            Heartbeat.objects.update_or_create(
                name=full, defaults={"role": role, "at": now, "started_at": now}
            )
    _last[name] = time.monotonic()


def leave(name: str, roles: Iterable[str]) -> None:
    """Takes the row away: a process that ended in good order is not silent, it is gone."""
    Heartbeat.objects.filter(name__in=[f"{role} {name}"[:120] for role in roles]).delete()
    _last.pop(name, None)


def forget_gone(now: dt.datetime) -> None:
    Heartbeat.objects.filter(at__lt=now - GONE).exclude(role="reconciler").delete()


def freshest(now: dt.datetime) -> dict[str, dt.timedelta]:
    """The age of the latest sign of life per role."""
    ages: dict[str, dt.timedelta] = {}
    for role, at in Heartbeat.objects.values_list("role", "at"):
        ages[role] = min(ages.get(role, dt.timedelta.max), now - at)
    return ages
