"""Delays repeated failed logins without affecting other users.

Failed logins count in three places: for the address, for the account tried from this address, and for the account tried from
anywhere. Beyond a number of free tries each failure closes the door for a while: 1 s, 2 s, 4 s ... A device that the account
has logged in from before (devices.py) counts by itself alone, and an address it has logged in from is not held up by
what others do elsewhere: nobody can lock an account out for its owner. A right password is never counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache as shared
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PERIODS = {"sec": 1, "min": 60, "hour": 3600, "day": 86400}
# How long failures are remembered, from the first of them on.
REMEMBERED = 3600
# Counts for this process alone while the shared cache is down: people must still be able to log in.
_own = LocMemCache("logins", {"max_entries": 10_000})


class TooManyAttempts(Exception):
    """`wait` are the seconds until the next attempt is considered."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many attempts. Try again in {wait} seconds.")
        self.wait = wait


@dataclass(frozen=True)
class Rule:
    """So many failures cost nothing; the one after them closes the door for `first` seconds, each further for twice as long."""

    scope: str
    free: int
    first: int
    most: int

    def delay(self, failures: int) -> int:
        """Seconds, after so many failures."""
        over = failures - self.free
        return 0 if over <= 0 else min(self.most, self.first * 2 ** min(over - 1, 30))


# The door of an address is never closed for long: many people may sit behind one.
ADDRESS = Rule("address", free=30, first=2, most=60)
PAIR = Rule("pair", free=9, first=2, most=900)
# Guesses from many addresses at once. Whoever knows the account by device or address is past this.
ACCOUNT = Rule("account", free=50, first=1, most=60)
DEVICE = Rule("device", free=9, first=2, most=900)


class Attempt:
    """One try at a password. It counts from the start, so that parallel guesses are counted too."""

    def __init__(
        self, account: str, address: str | None, *, device: str = "", familiar: bool = False
    ) -> None:
        """`account` is anything that stands for the account tried; `device` one that it is known from; `familiar`: it has
        logged in from this address before. Raises TooManyAttempts.
        """
        self._taken: list[tuple[Rule, str, bool]] = []
        for rule, who in _rules(account, _network(address), device, familiar):
            try:
                self._taken.append((rule, who, _enter(rule, who)))
            except TooManyAttempts:
                self._take_back()
                raise

    def succeeded(self) -> None:
        """Takes the try back; for this device, or this account from this address, all that went before is forgotten."""
        self._take_back()
        for rule, who, _closed in self._taken:
            if rule in (PAIR, DEVICE):
                _forget(_key(rule.scope, who))

    def _take_back(self) -> None:
        for rule, who, closed in self._taken:
            _leave(rule, who, closed)


def _rules(account: str, address: str, device: str, familiar: bool) -> list[tuple[Rule, str]]:
    if device:
        return [(DEVICE, f"{account} {device}")]
    pair = [(ADDRESS, address), (PAIR, f"{account} {address}")]
    return pair if familiar else [*pair, (ACCOUNT, account)]


def _enter(rule: Rule, who: str) -> bool:
    """Counts a try, and closes the door behind it as long as the rule says; true when it did. Raises TooManyAttempts."""
    key = _key(rule.scope, who)
    tries = _safely(lambda cache: _add(cache, key, REMEMBERED, 1))
    if not (delay := rule.delay(tries)):
        return False
    now = time.time()
    if _safely(lambda cache: cache.add(f"{key}:door", now + delay, timeout=delay)):
        return True
    until = _safely(lambda cache: cache.get(f"{key}:door")) or now + 1
    # What the door keeps out is no guess.
    _safely(lambda cache: _add(cache, key, REMEMBERED, -1))
    raise TooManyAttempts(max(1, math.ceil(until - now)))


def _leave(rule: Rule, who: str, closed: bool) -> None:
    key = _key(rule.scope, who)
    _safely(lambda cache: _add(cache, key, REMEMBERED, -1))
    if closed:
        _safely(lambda cache: cache.delete(f"{key}:door"))


def _forget(key: str) -> None:
    _safely(lambda cache: cache.delete_many([key, f"{key}:door"]))


def _network(address: str | None) -> str:
    """For IPv6 the /64 prefix: one client usually has all addresses of it."""
    if address and ":" in address:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return address or ""


def count(scope: str, who: str) -> None:
    """Counts one more use of `scope`, a name in DEFAULT_THROTTLE_RATES. Raises TooManyAttempts."""
    now = int(time.time())
    limit, period = _rate(scope)
    key = f"{_key(scope, who)}:{now // period}"
    if _safely(lambda cache: _add(cache, key, 2 * period, 1)) > limit:
        raise TooManyAttempts(period - now % period)


def _key(scope: str, who: str) -> str:
    """Hashed: a text from outside may not be a valid key, and the cache need not know names."""
    return f"{scope}:{hashlib.sha256(who.encode(errors='replace')).hexdigest()}"


def _rate(scope: str) -> tuple[int, int]:
    """`10/min` as (10, 60)."""
    rates: dict[str, str] = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]  # type: ignore[assignment]
    count, period = rates[scope].split("/")
    return int(count), PERIODS[period]


def _safely(step: Callable[[BaseCache], Any]) -> Any:
    try:
        return step(shared)
    except (RedisError, OSError, ValueError) as error:
        # ValueError: the key vanished meanwhile, by a flush for instance.
        if _own.add("reported", True, timeout=60):
            logger.warning("cache_unreachable", extra={"error": type(error).__name__})
        return step(_own)


def _add(cache: BaseCache, key: str, kept: int, step: int) -> int:
    cache.add(key, 0, timeout=kept)
    return cache.incr(key, step)
