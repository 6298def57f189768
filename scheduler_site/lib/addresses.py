"""Tells public IP addresses, however they are written, from private and reserved ones."""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Networks that ipaddress calls global but that no service on the internet uses.
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


def is_public(address: Address) -> bool:
    """Whether the address is public, also after unwrapping an embedded IPv4 address."""
    inner = embedded(address)
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


def embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped, 6to4 or NAT64 one, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[12:])
    return address.ipv4_mapped or address.sixtofour or address
