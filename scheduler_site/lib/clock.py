"""The clock of an installation: that of its database.

Leases, turns, signs of life and due times are written by one process and judged by another. If each went by the clock of
its own host, hosts whose clocks differ would take living runs for lost and start others too early. So whoever decides
asks here; a host's own clock decides only how long it sleeps.

The database is asked every five seconds. In between, this host's time since boot, which nobody can set, is added to what it
said last. The clock of SQLite is that of its only host.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace

from django.db import Error, connection
from django.utils import timezone

EVERY = 5.0
# Seconds by which a host may differ before people are told.
NOTICED = 1.0
# Seconds since 1970, by the server's clock at this moment (not at the transaction's beginning).
EPOCH = {
    "postgresql": "extract(epoch FROM clock_timestamp())",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000",
}
# Counts the time for which a machine is suspended as well, where there is such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Reading:
    """What the database said, when that was heard by the steady clock, how long the answer took, and when it was asked last.

    The answer is as old as it took at most: what is counted from it may be behind by so much, but is never early.
    """

    seconds: float
    at: float
    spent: float
    asked: float

    @property
    def now(self) -> float:
        return self.seconds + steady() - self.at


_last: Reading | None = None


def steady() -> float:
    """Seconds since some moment, by a clock that is never set."""
    return time.clock_gettime(_STEADY)


def now() -> dt.datetime:
    """The database's time. Raises what the database raises, as long as it has never been asked with success."""
    if connection.vendor not in EPOCH:
        return timezone.now()
    return dt.datetime.fromtimestamp(_reading().now, dt.UTC)


def shown() -> dt.datetime:
    """The same for pages and reports, which must not fail: this host's time while there is nothing better."""
    try:
        return now()
    except (Error, OSError):
        return timezone.now()


def ahead() -> float:
    """By how many seconds this host's clock is ahead of the database's."""
    return 0.0 if connection.vendor not in EPOCH else time.time() - _reading().now


def forget() -> None:
    """The next question goes to the database."""
    global _last
    _last = None


def _reading() -> Reading:
    """Threads share it without a lock: at worst two of them ask at the same moment."""
    global _last
    known = _last
    if known is not None and steady() - known.asked < EVERY:
        return known
    try:
        _last = fresh = _ask(known)
    except (Error, OSError):
        if known is None:
            raise
        # Whoever wants the time is about to use the database, and will notice that it is away.
        return known
    return fresh


def _ask(known: Reading | None) -> Reading:
    before = steady()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {EPOCH[connection.vendor]}")
        (seconds,) = cursor.fetchone()
    after = steady()
    fresh = Reading(float(seconds), after, after - before, after)
    if known is None or fresh.spent < known.spent:
        return fresh
    # An answer that took longer is less exact: it counts only where it contradicts what is known.
    believed = known.seconds + after - known.at
    agrees = fresh.seconds <= believed <= fresh.seconds + fresh.spent
    return replace(known, asked=after) if agrees else fresh
