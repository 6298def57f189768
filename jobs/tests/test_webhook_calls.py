"""Webhook calls against a real server: what is sent, and what the answer means."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, Context, IORunner, Outcome, addresses
from scheduler_site.lib.addresses import Address

from .running import RUN_ID, Answer, Receiver, call_webhook, spec_for

pytest_plugins = ["jobs.tests.webhooks"]


def test_without_metadata_it_is_a_get(receiver: Receiver) -> None:
    outcome, _log = call_webhook(receiver.url("/hook?a=1"))
    assert (outcome.state, outcome.response_status, outcome.output) == ("success", 200, "ok")
    assert outcome.target == receiver.url("/hook?a=1")
    assert (receiver.received[0].method, receiver.received[0].path) == ("GET", "/hook?a=1")
    assert receiver.received[0].body == b""


def test_metadata_is_posted_as_json(receiver: Receiver) -> None:
    call_webhook(receiver.url(), metadata={"branch": "main", "n": 1})
    assert receiver.received[0].method == "POST"
    assert json.loads(receiver.received[0].body) == {"branch": "main", "n": 1}
    assert receiver.received[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("options", "metadata", "method", "body", "content_type"),
    [
        ({"method": "GET"}, {"a": 1}, "GET", b"", None),
        ({"method": "HEAD"}, {"a": 1}, "HEAD", b"", None),
        ({"method": "DELETE"}, {"a": 1}, "DELETE", b"", None),
        ({"method": "PUT"}, {"a": 1}, "PUT", b'{"a": 1}', "application/json"),
        ({"method": "POST"}, {}, "POST", b"", None),
        ({"body": "plain"}, {}, "POST", b"plain", "text/plain; charset=utf-8"),
        ({"body": '{"x": 2}'}, {"a": 1}, "POST", b'{"x": 2}', "application/json"),
        ({"body": [1, 2]}, {}, "POST", b"[1, 2]", "application/json"),
        ({"body": "<a/>", "headers": {"content-type": "text/xml"}}, {}, "POST", b"<a/>", "text/xml"),
    ],
)
def test_options_win_over_the_default_method_and_body(
    receiver: Receiver,
    options: dict[str, Any],
    metadata: dict[str, Any],
    method: str,
    body: bytes,
    content_type: str | None,
) -> None:
    outcome, _log = call_webhook(receiver.url(), options, metadata=metadata)
    request = receiver.received[0]
    assert outcome.state == "success"
    assert (request.method, request.body) == (method, body)
    assert {name.lower(): value for name, value in request.headers.items()}.get(
        "content-type"
    ) == content_type


def test_the_request_names_the_run_its_slot_and_belfry(receiver: Receiver) -> None:
    slot = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    for attempt in (1, 2):
        call_webhook(receiver.url(), slot=slot, attempt=attempt)
    for request in receiver.received:
        assert request.headers["X-Belfry-Run"] == request.headers["Idempotency-Key"] == RUN_ID
        assert request.headers["X-Belfry-Slot"] == "2026-03-29T01:00:00+00:00"
        assert request.headers["User-Agent"].startswith("Belfry/")


def test_a_manual_run_has_no_slot(receiver: Receiver) -> None:
    call_webhook(receiver.url())
    assert "X-Belfry-Slot" not in receiver.received[0].headers


@pytest.mark.parametrize(
    ("status", "state", "retryable"),
    [
        (200, "success", True),
        (204, "success", True),
        (304, "failed", True),
        (400, "failed", False),
        (404, "failed", False),
        (408, "failed", True),
        (425, "failed", True),
        (429, "failed", True),
        (500, "failed", True),
        (503, "failed", True),
    ],
)
def test_the_status_decides_the_outcome(receiver: Receiver, status: int, state: str, retryable: bool) -> None:
    receiver.answers["/"] = Answer(status, b"")
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.response_status, outcome.retryable) == (state, status, retryable)
    assert outcome.message == ("" if state == "success" else f"Webhook returned status {status}")


def test_success_codes_replace_the_2xx_rule(receiver: Receiver) -> None:
    receiver.answers = {
        "/gone": Answer(404),
        "/made": Answer(201),
        "/moved": Answer(302, headers={"Location": "/x"}),
    }
    codes = {"success_codes": "404,302"}
    assert call_webhook(receiver.url("/gone"), codes)[0].state == "success"
    made = call_webhook(receiver.url("/made"), codes)[0]
    assert (made.state, made.retryable) == ("failed", False)  # it was done: once more would do it twice
    assert call_webhook(receiver.url("/moved"), codes)[0].response_status == 302


@pytest.mark.parametrize(
    ("value", "expected"),
    [("120", 120.0), ("999999", 3600.0), ("0", 0.0), ("soon", None), ("-5", None), ("", None)],
)
def test_retry_after_in_seconds_is_respected_up_to_an_hour(
    receiver: Receiver, value: str, expected: float | None
) -> None:
    receiver.answers["/"] = Answer(503, headers={"Retry-After": value})
    assert call_webhook(receiver.url())[0].retry_after == expected


def test_retry_after_as_a_date_is_respected(receiver: Receiver) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    receiver.answers["/"] = Answer(429, headers={"Retry-After": date})
    wait = call_webhook(receiver.url())[0].retry_after
    assert wait is not None
    assert 500 < wait <= 600


def test_only_the_first_64_kib_of_an_endless_answer_are_read(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * 4096, endless=True)
    outcome, _log = call_webhook(receiver.url())
    assert outcome.state == "success"
    assert outcome.output == "x" * 65536 + "\n[Showing the first 64 KiB, the rest was not read]"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=latin-1", b"gr\xfc\xdfe", "grüße"),
        ("text/plain; charset=utf-8", b"gr\xfc", "gr�"),
        ("text/plain; charset=klingon", "grüße".encode(), "grüße"),
        ("text/plain; charset=punycode", "grüße".encode(), "grüße"),
        ("text/plain; charset=zip", b"abc", "abc"),
        ("application/octet-stream", b"a\0b\xff", "ab�"),
    ],
)
def test_the_answer_becomes_text_whatever_it_is(
    receiver: Receiver, content_type: str, body: bytes, text: str
) -> None:
    receiver.answers["/"] = Answer(200, body, {"Content-Type": content_type})
    assert call_webhook(receiver.url())[0].output == text


def test_no_answer_in_time_is_a_timeout(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(silent=True)
    outcome, _log = call_webhook(receiver.url(), timeout=0.3)
    assert (outcome.state, outcome.response_status) == ("timeout", None)
    assert "0.3 s" in outcome.message


def test_an_answer_that_never_ends_in_time_is_a_timeout_with_its_status(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"", {"Content-Length": "10"}, endless=True)
    outcome, _log = call_webhook(receiver.url(), timeout=0.5)
    assert (outcome.state, outcome.response_status) == ("timeout", 200)


def test_a_stop_ends_the_wait_at_once(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(silent=True)

    async def main() -> Outcome:
        cancelled = asyncio.Event()
        runner = RUNNERS["webhook"]
        assert isinstance(runner, IORunner)
        spec = spec_for("webhook", {"target_url": receiver.url()})
        running = asyncio.create_task(runner.run(Context(spec, cancelled, lambda text: None)))
        await asyncio.to_thread(receiver.arrived.wait, 10)
        cancelled.set()
        return await asyncio.wait_for(running, 5)

    assert asyncio.run(main()).state == "stopped"


def test_a_refused_connection_fails_without_a_status(receiver: Receiver) -> None:
    receiver.server_close()
    receiver.socket.close()
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.response_status, outcome.retryable) == ("failed", None, True)
    assert "Cannot connect" in outcome.message
    assert "ssl" not in outcome.message  # of a call without TLS


def test_a_name_that_does_not_exist_fails(receiver: Receiver) -> None:
    outcome, _log = call_webhook("http://no-such-host.invalid/")
    assert (outcome.state, outcome.response_status) == ("failed", None)


def test_a_private_address_is_refused_at_send_and_never_contacted(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = []
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        outcome, _log = call_webhook(receiver.url(host=host))
        assert (outcome.state, outcome.retryable) == ("error", False)
        assert "private or reserved" in outcome.message
    assert receiver.received == []


def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = []
    answers: Iterator[str] = iter(["192.0.2.1", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address("1.1.1.1" if len(asked) == 1 else next(answers))]

    monkeypatch.setattr(addresses, "lookup", lookup)
    addresses.check_url(f"http://rebinding.example:{receiver.port}/", [])
    outcome, _log = call_webhook(f"http://rebinding.example:{receiver.port}/", timeout=2.0)
    assert outcome.state == "error"
    assert len(asked) == 2
    assert receiver.received == []


def test_an_allowed_name_is_resolved_and_called(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["localhost"]
    assert call_webhook(receiver.url(host="localhost"))[0].state == "success"


def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert call_webhook(receiver.url())[0].state == "success"


def test_many_waiting_calls_share_one_loop(receiver: Receiver) -> None:
    async def main() -> set[str]:
        runner = RUNNERS["webhook"]
        assert isinstance(runner, IORunner)
        spec = spec_for("webhook", {"target_url": receiver.url()})
        runs = [runner.run(Context(spec, asyncio.Event(), lambda text: None)) for _ in range(50)]
        return {outcome.state for outcome in await asyncio.gather(*runs)}

    assert asyncio.run(main()) == {"success"}
    assert len(receiver.received) == 50


@pytest.mark.parametrize(
    "path",
    [
        "/a%2Fb%20c",
        "/?q='quoted'&plus=a+b&again=%27",
        "/?lower=%c3%a9&upper=%C3%A9",
        "/a/../b//c/",
        "/?bare&empty=&=x",
        "/?odd=%zz&pipe=a|b",
    ],
)
def test_a_url_is_sent_as_it_was_typed(receiver: Receiver, path: str) -> None:
    call_webhook(receiver.url(path))
    assert [request.path for request in receiver.received] == [path]
