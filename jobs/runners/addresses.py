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

from jobs.runners.resolving import Resolving

if TYPE_CHECKING:
    from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL_LENGTH = 2048
RESOLVE_AT_SAVE_SECONDS = 2.0

# Networks that ipaddress calls global but that no webhook uses.
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598 (Alibaba's metadata service too)
        "168.63.129.16/32",  # Azure's platform address
        "192.0.0.0/24",  # IETF protocol assignments, RFC 6890 (Oracle's metadata service too)
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")  # the only global unicast block there is, RFC 4291

# Separate threads: names that do not resolve must not delay others.
resolving = Resolving[list[Address]]()


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
        return address is not None and (address in self.host or _embedded(address) in self.host)


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
    return URL.build(
        scheme=parsed.scheme,
        authority=parsed.raw_authority,
        path=typed.raw_path,
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


def is_public(address: Address) -> bool:
    """Whether this is an ordinary address of the internet, also after unwrapping what carries an IPv4 address."""
    inner = _embedded(address)
    if inner is not address:
        return is_public(inner)
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST_V6:
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _NEVER if network.version == address.version)


def literal_address(host: str) -> Address | None:
    """The address a host text spells out: also in the decimal, octal and hex forms of inet_aton(3), or as localhost.

    RFC 6761 section 6.3 makes localhost and all names below it the loopback, whatever a resolver says.
    """
    if f".{host.lower().rstrip('.')}".endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError):
        return None


def lookup(host: str, port: int) -> list[Address]:
    """All addresses of a name, in the system's order of preference; blocking."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found))


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped, 6to4 or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour or address


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
