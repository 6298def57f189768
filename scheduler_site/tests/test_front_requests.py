"""What the front takes, what it refuses, and what Django gets to know of a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scheduler_site.front import bridge
from scheduler_site.tests.fronts import Site, read_to_end, running

seen: dict[str, Any] = {}


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    seen.clear()
    seen.update(environ, body=environ["wsgi.input"].read())
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running(application) as site:
        yield site


@pytest.fixture(scope="module")
def belfry() -> Iterator[Site]:
    """With Django behind it."""
    with running() as site:
        yield site


def exchange(site: Site, sent: bytes) -> bytes:
    with site.connect() as connection:
        connection.sendall(sent)
        return read_to_end(connection)


def request(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join((start, b"Host: 127.0.0.1", *lines, b"Connection: close", b"", b""))


REFUSED: dict[str, tuple[bytes, bytes]] = {
    "a long address": (request(start=b"GET /" + b"a" * 5000 + b" HTTP/1.1"), b"414"),
    "an address without end": (b"GET /" + b"a" * 100_000, b"414"),
    "many fields": (request(*(b"X-%d: 1" % n for n in range(150))), b"431"),
    "a long field": (request(b"X: " + b"a" * 9000), b"431"),
    "a field without end": (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, b"431"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    "no HTTP": (b"HELO there\r\n\r\n", b"400"),
    "another version": (request(start=b"GET / HTTP/3.0"), b"400"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
    "two lengths": (request(b"Content-Length: 1", b"Content-Length: 2", start=b"POST / HTTP/1.1"), b"400"),
    "a length and chunks": (request(b"Content-Length: 4", b"Transfer-Encoding: chunked"), b"400"),
    "a length below zero": (request(b"Content-Length: -1"), b"400"),
    "a field on two lines": (request(b"X: a", b" b"), b"400"),
    "a zero byte": (request(b"X: a\0b"), b"400"),
    "an address that is not ASCII": (request(start=b"GET /caf\xc3\xa9 HTTP/1.1"), b"400"),
    "a method that nobody knows": (request(start=b"BREW / HTTP/1.1"), b"400"),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_request_is_refused_at_once_with_a_reason(site: Site, sent: bytes, status: bytes) -> None:
    seen.clear()
    began = time.monotonic()
    head, _, body = exchange(site, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert body.strip()
    assert time.monotonic() - began < 2
    assert not seen


def test_two_names_of_one_variable_are_not_mixed_up(site: Site) -> None:
    """Who comes past the proxy cannot say what only the proxy says, by an underscore."""
    exchange(site, request(b"X-Real: proxy", b"X_Real: somebody", b"X_Forwarded_Proto: https"))
    assert seen["HTTP_X_REAL"] == "proxy"
    assert "HTTP_X_FORWARDED_PROTO" not in seen


def test_the_word_of_a_proxy_on_tls_is_left_to_django(site: Site) -> None:
    exchange(site, request(b"X-Forwarded-Proto: https", b"X-Forwarded-For: 1.2.3.4"))
    assert (seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("http", "127.0.0.1")


def test_path_and_query_arrive_as_they_were_sent(site: Site) -> None:
    exchange(site, request(start=b"GET /a%2Fb/caf%E9%20?x=%E9&y=1+2 HTTP/1.1"))
    assert seen["PATH_INFO"] == "/a/b/caf\xe9 "
    assert seen["QUERY_STRING"] == "x=%E9&y=1+2"


def test_fields_that_come_twice_are_joined(site: Site) -> None:
    exchange(site, request(b"X: 1", b"X: 2", b"Cookie: a=1", b"Cookie: b=2"))
    assert (seen["HTTP_X"], seen["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_a_body_arrives_whole(site: Site) -> None:
    body = bytes(range(256)) * 1000
    start = b"POST / HTTP/1.1"
    exchange(site, request(b"Content-Length: %d" % len(body), start=start) + body)
    assert seen["body"] == body


def test_a_client_that_asks_first_is_told_to_go_on(site: Site) -> None:
    head = request(b"Expect: 100-continue", b"Content-Length: 2", start=b"POST / HTTP/1.1")
    with site.connect() as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(b"ab")
        assert b"200 OK" in read_to_end(connection)
    assert seen["body"] == b"ab"


def test_an_answer_to_head_has_no_body(site: Site) -> None:
    head, _, body = exchange(site, request(start=b"HEAD / HTTP/1.1")).partition(b"\r\n\r\n")
    assert b"content-length: 2" in head.lower()
    assert body == b""


LOGIN = b"POST /api/v2/auth/login HTTP/1.1"
JSON = b"Content-Type: application/json"


@pytest.mark.django_db(transaction=True)
def test_a_body_that_nobody_takes_is_refused_without_being_read(belfry: Site) -> None:
    length = bridge.largest_body() + 1
    answer = exchange(belfry, request(JSON, b"Content-Length: %d" % length, start=LOGIN) + b"{")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"Payload too large" in answer


@pytest.mark.django_db(transaction=True)
def test_who_sends_it_all_the_same_reads_why_it_was_refused(belfry: Site) -> None:
    length = bridge.largest_body() + 1
    sent = request(JSON, b"Content-Length: %d" % length, start=LOGIN) + b"x" * length
    assert exchange(belfry, sent).startswith(b"HTTP/1.1 413")


@pytest.mark.django_db(transaction=True)
def test_a_body_in_chunks_is_refused(belfry: Site) -> None:
    sent = request(JSON, b"Transfer-Encoding: chunked", start=LOGIN) + b"2\r\n{}\r\n0\r\n\r\n"
    assert exchange(belfry, sent).startswith(b"HTTP/1.1 411")
