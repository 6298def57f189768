"""Slows down those who guess passwords: failed logins count per account and per address, by the minute.

Nobody is locked out for long, and a right password is never counted.
"""

from __future__ import annotations

import hashlib
import logging
import time

from django.conf import settings
from django.core.cache import cache as shared
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PERIODS = {"sec": 1, "min": 60, "hour": 3600, "day": 86400}
# Counts for this process alone while the shared cache is down: people must still be able to log in.
_own = LocMemCache("logins", {"max_entries": 10_000})


class TooManyAttempts(Exception):
    """`wait` are the seconds until the next attempt is considered."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many attempts. Try again in {wait} seconds.")
        self.wait = wait


class Attempt:
    """One try at a password. It counts from the start, so that parallel guesses are counted too."""

    def __init__(self, account: str, address: str | None) -> None:
        """`account` is anything that stands for the account tried. Raises TooManyAttempts."""
        self._taken: list[tuple[str, int]] = []
        for scope, who in (("login-user", account), ("login-address", address or "")):
            self._taken.append(count(scope, who))

    def succeeded(self) -> None:
        """Takes the try back."""
        for key, period in self._taken:
            _count(key, period, -1)


def count(scope: str, who: str) -> tuple[str, int]:
    """Counts one more use of `scope`, a name in DEFAULT_THROTTLE_RATES; answers with its key and period.

    Raises TooManyAttempts.
    """
    now = int(time.time())
    limit, period = _rate(scope)
    # Hashed: a text from outside may not be a valid key, and the cache need not know names.
    digest = hashlib.sha256(who.encode(errors="replace")).hexdigest()
    key = f"{scope}:{digest}:{now // period}"
    if _count(key, period, 1) > limit:
        raise TooManyAttempts(period - now % period)
    return key, period


def _rate(scope: str) -> tuple[int, int]:
    """`10/min` as (10, 60)."""
    rates: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
    count, period = rates[scope].split("/")
    return int(count), PERIODS[period]


def _count(key: str, period: int, step: int) -> int:
    try:
        return _add(shared, key, period, step)
    except (RedisError, OSError, ValueError) as error:
        # ValueError: the key vanished meanwhile, by a flush for instance.
        if _own.add("reported", True, timeout=60):
            logger.warning("cache_unreachable", extra={"error": type(error).__name__})
        return _add(_own, key, period, step)


def _add(cache: BaseCache, key: str, period: int, step: int) -> int:
    cache.add(key, 0, timeout=2 * period)
    return cache.incr(key, step)
