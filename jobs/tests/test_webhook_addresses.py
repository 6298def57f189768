"""Which addresses webhooks may call, at save and at send."""

from __future__ import annotations

import ipaddress

import pytest

from jobs.runners import addresses
from jobs.runners.addresses import AddressRefused, check_addresses, check_url
from scheduler_site.lib.addresses import is_public, literal_address

REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127.0.0.1./",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://anything.localhost:8000/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_private_or_reserved_address_is_refused_in_any_notation(url: str) -> None:
    with pytest.raises(AddressRefused, match="private or reserved"):
        check_url(url, [])


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "https://1.1.1.1:8443/x?y=z",
        "http://[2606:4700::1111]/",
        "http://[64:ff9b::5db8:d822]/",
        "http://[::ffff:1.1.1.1]/",
    ],
)
def test_a_public_address_is_accepted(url: str) -> None:
    check_url(url, [])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://1.1.1.1/", "Only http and https"),
        ("file:///etc/passwd", "Only http and https"),
        ("javascript:alert(1)", "Only http and https"),
        ("//1.1.1.1/", "Only http and https"),
        ("example", "Only http and https"),
        ("", "Only http and https"),
        ("http:///path", "names no host"),
        ("http://1.1.1.1:0/", "names no host"),
        ("http://1.1.1.1:99999/", "not a URL"),
        ("http://[::1/", "not a URL"),
        ("http://h\\@evil/", "not a URL"),
        ("http://user:word@1.1.1.1/", "user name or password"),
        ("http://user@1.1.1.1/", "user name or password"),
        ("http://1.1.1.1/\r\nX: y", "control character"),
        ("http://1.1.1.1/a b", "blank"),
        ("http://1.1.1.1/\0", "control character"),
        ("http://1.1.1.1/" + "a" * 2048, "longer than"),
    ],
)
def test_what_is_no_callable_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        check_url(url, [])


@pytest.mark.parametrize(
    ("entry", "url", "accepted"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/", True),
        ("127.0.0.1", "http://127.0.0.2:8000/", False),
        ("127.0.0.0/8", "http://127.0.0.2/", True),
        ("127.0.0.1/8", "http://127.0.0.2/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8001/", False),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.0/8", "http://2130706433/", True),
        ("[::1]:80", "http://[::1]/", True),
        ("[::1]:81", "http://[::1]/", False),
        ("::1", "http://[::1]/", True),
        ("LocalHost", "http://localhost/", True),
        ("localhost:8000", "http://localhost:8000/", True),
        ("localhost:8000", "http://localhost/", False),
        ("host", "http://localhost/", False),
        ("10.0.0.0/8", "http://127.0.0.1/", False),
        ("", "http://127.0.0.1/", False),
    ],
)
def test_an_entry_of_the_allow_list_covers_exactly_its_host_port_or_network(
    entry: str, url: str, accepted: bool
) -> None:
    if accepted:
        check_url(url, [entry])
    else:
        with pytest.raises(AddressRefused):
            check_url(url, [entry])


def test_a_name_that_does_not_resolve_now_is_accepted_at_save() -> None:
    check_url("http://no-such-host.invalid/", [])


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    mixed = [ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("10.0.0.1")]
    with pytest.raises(AddressRefused):
        check_addresses("rebinding.example", 80, mixed, [])
    check_addresses("rebinding.example", 80, mixed, ["rebinding.example"])


def test_a_name_that_resolves_to_a_private_address_is_refused_at_save(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "lookup", lambda host, port: [ipaddress.ip_address("169.254.169.254")])
    with pytest.raises(AddressRefused):
        check_url("http://metadata.example/", [])


def test_every_address_of_the_private_blocks_is_not_public() -> None:
    blocks = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
    ]
    for block in map(ipaddress.ip_network, blocks):
        assert not is_public(block[0])
        assert not is_public(block[-1])
        assert not is_public(ipaddress.ip_address("::ffff:" + str(block[-1])))


@pytest.mark.parametrize("host", ["example.com", "a.b", "1.2.3.4.example", "0x7f.example", ""])
def test_a_name_is_not_taken_for_an_address(host: str) -> None:
    assert literal_address(host) is None
