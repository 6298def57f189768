"""Which addresses a webhook may call: the public ones, and those the operator allows.

The same rule is asked at save (`check_url`), before every hop (`check_target`) and for every address a name
resolves to (`check_addresses`); the connection then goes to the very address that was checked, so a name that
answers differently the second time gains nothing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from jobs.runners.dns_lookups import LookupThreads
from scheduler_site.lib.addresses import Address, Network, embedded, is_public, literal_address

if TYPE_CHECKING:
    from yarl import URL

MAX_URL_LENGTH = 2048
RESOLVE_AT_SAVE_SECONDS = 2.0

# Separate threads: names that do not resolve must not delay others.
resolving = LookupThreads[list[Address]]()


class AddressRefused(ValueError):
    """The URL or the address behind it is not one that webhooks may call; the text says why."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of WEBHOOK_ALLOWED_HOSTS: a host name or a network, and a port when it is meant for one."""

    host: str | Network
    port: int | None = None

    def covers(self, host: str, port: int, address: Address | None) -> bool:
        if self.port not in (None, port):
            return False
        if isinstance(self.host, str):
            return self.host == host
        return address is not None and (address in self.host or embedded(address) in self.host)


def check_url(url: str, allowed: Sequence[str]) -> None:
    """At save: raise AddressRefused for a URL that would be refused now; a name that does not resolve passes."""
    parsed = parse_url(url)
    check_target(parsed, allowed)
    host, port = parsed.host or "", parsed.port or 0
    if literal_address(host) is not None:
        return
    lookups = _lookups.get() or Lookups(RESOLVE_AT_SAVE_SECONDS)
    check_addresses(host, port, lookups.of(host, port), allowed)


class Lookups:
    """The addresses of names, each looked up once; of all that do not answer, one waits for a while only."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._known: dict[tuple[str, int], list[Address]] = {}

    def of(self, host: str, port: int) -> list[Address]:
        """No address for a name that does not resolve, or not in time."""
        if (host, port) not in self._known:
            self._known[host, port] = self._look_up(host, port)
        return self._known[host, port]

    def _look_up(self, host: str, port: int) -> list[Address]:
        if self._left <= 0:
            return []
        began = time.monotonic()
        try:
            patience = min(self._left, RESOLVE_AT_SAVE_SECONDS)
            return resolving.submit(lookup, host, port).result(patience)
        except (OSError, UnicodeError, concurrent.futures.TimeoutError):
            return []
        finally:
            self._left -= time.monotonic() - began


_lookups: ContextVar[Lookups | None] = ContextVar("lookups", default=None)


@contextlib.contextmanager
def one_lookup_each(seconds: float) -> Iterator[None]:
    """For checking many URLs at once: each name is looked up once, and all together take this long at the most."""
    token = _lookups.set(Lookups(seconds))
    try:
        yield
    finally:
        _lookups.reset(token)


def parse_url(url: str) -> URL:
    """The URL as it will be sent (one parser for checking and sending); raises AddressRefused."""
    from yarl import URL

    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused(_("The URL is longer than %(limit)d characters.") % {"limit": MAX_URL_LENGTH})
    if re.search(r"[\x00-\x20\x7f]", url):
        raise AddressRefused(_("The URL contains a blank or a control character."))
    try:
        parsed = URL(url)
        host = parsed.host
    except (ValueError, UnicodeError) as problem:
        raise AddressRefused(_("This is not a URL.")) from problem
    if parsed.scheme not in ("http", "https"):
        raise AddressRefused(_("Only http and https URLs can be called."))
    if not host or not parsed.port:
        raise AddressRefused(_("The URL names no host."))
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise AddressRefused(_("The URL contains a user name or password; send them in a header."))
    return _as_typed(url, parsed) if url.isascii() else parsed


def _as_typed(url: str, parsed: URL) -> URL:
    """With path and query byte for byte: signatures and picky servers tell `%27` from `'`, and yarl writes one of them."""
    from yarl import URL

    typed = URL(url, encoded=True)
    # An empty query is one (RFC 3986, 6.2.3), which yarl does not keep apart from none.
    bare = "?" if url.partition("#")[0].endswith("?") and not typed.raw_query_string else ""
    return URL.build(
        scheme=parsed.scheme,
        authority=parsed.raw_authority,
        path=(typed.raw_path or "/") + bare,
        query_string=typed.raw_query_string,
        encoded=True,
    )


def check_target(url: URL, allowed: Sequence[str]) -> None:
    """Refuse a URL whose host is written as an address, in whatever notation, that may not be called."""
    host, port = url.host or "", url.port or 0
    address = literal_address(host)
    if address is not None:
        check_addresses(host, port, [address], allowed)


def check_addresses(host: str, port: int, addresses: Iterable[Address], allowed: Sequence[str]) -> None:
    """Refuse the host if ANY of its addresses is neither public nor allowed."""
    name, entries = host.lower().rstrip("."), _parse_allowed(tuple(allowed))
    for address in addresses:
        if not is_public(address) and not any(entry.covers(name, port, address) for entry in entries):
            raise AddressRefused(_("%(host)s is a private or reserved address.") % {"host": host})


def lookup(host: str, port: int) -> list[Address]:
    """All addresses of a name, in the system's order of preference; blocking."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found))


@lru_cache(maxsize=16)
def _parse_allowed(entries: tuple[str, ...]) -> tuple[Allowed, ...]:
    return tuple(_parse_entry(entry.strip().lower()) for entry in entries if entry.strip())


def _parse_entry(entry: str) -> Allowed:
    network = _network(entry)
    if network is not None:
        return Allowed(network)
    host, colon, port = entry.rpartition(":")
    if not colon or not port.isdecimal():
        return Allowed(entry.rstrip("."))
    return Allowed(_network(host) or host.rstrip("."), int(port))


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def origin_of(url: str) -> str:
    """Scheme, host and port (RFC 6454), the usual port left out; the text itself where it is no URL."""
    from yarl import URL

    try:
        return str(URL(url).origin())
    except (ValueError, UnicodeError, TypeError):
        return url
