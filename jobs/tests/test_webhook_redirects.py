"""Redirects: followed a little, checked at every hop, and trusted with nothing."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from .running import Answer, Receiver, call_webhook

pytest_plugins = ["jobs.tests.webhooks"]


def to(location: str, status: int = 302) -> Answer:
    return Answer(status, b"", {"Location": location})


def test_a_redirect_is_followed(receiver: Receiver) -> None:
    receiver.answers["/old"] = to("/new?x=1")
    outcome, log = call_webhook(receiver.url("/old"))
    assert (outcome.state, outcome.output) == ("success", "ok")
    assert [request.path for request in receiver.received] == ["/old", "/new?x=1"]
    assert receiver.url("/new?x=1") in log


@pytest.mark.parametrize(
    ("status", "method", "kept"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_the_status_decides_whether_method_and_body_are_kept(
    receiver: Receiver, status: int, method: str, kept: str
) -> None:
    receiver.answers["/old"] = to("/new", status)
    call_webhook(receiver.url("/old"), {"method": method, "follow_as_get": True}, metadata={"a": 1})
    last = receiver.received[-1]
    assert (last.path, last.method) == ("/new", kept)
    assert bool(last.body) == (kept in ("POST", "PUT"))
    assert ("Content-Type" in last.headers) == bool(last.body)


@pytest.mark.parametrize("status", [301, 302])
def test_a_post_that_would_lose_its_body_on_the_way_is_a_failure(receiver: Receiver, status: int) -> None:
    receiver.answers["/old"] = to("/new", status)
    outcome, _log = call_webhook(receiver.url("/old"), metadata={"a": 1})
    assert (outcome.state, outcome.response_status, outcome.retryable) == ("failed", status, False)
    assert f"Redirected with status {status} to {receiver.url('/new')}" in outcome.message
    assert [request.path for request in receiver.received] == ["/old"]


def test_five_redirects_are_followed_and_a_sixth_is_not(receiver: Receiver) -> None:
    receiver.answers = {f"/{n}": to(f"/{n + 1}") for n in range(5)}
    assert call_webhook(receiver.url("/0"))[0].state == "success"
    receiver.answers["/5"] = to("/6")
    receiver.received.clear()
    outcome, _log = call_webhook(receiver.url("/0"))
    assert (outcome.state, outcome.response_status, outcome.retryable) == ("failed", 302, False)
    assert len(receiver.received) == 6


def test_a_redirect_without_a_location_is_the_answer(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(302, b"")
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.message) == ("failed", "Webhook returned status 302")


@pytest.mark.parametrize("location", ["http://127.0.0.2:{port}/", "http://10.0.0.1/", "//0x7f000002:{port}/"])
def test_a_redirect_to_a_private_address_is_refused(receiver: Receiver, location: str) -> None:
    receiver.answers["/"] = to(location.format(port=receiver.port))
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.retryable) == ("error", False)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://1.1.1.1/", "http://user:word@127.0.0.1/"])
def test_a_redirect_to_what_may_not_be_called_is_refused(receiver: Receiver, location: str) -> None:
    receiver.answers["/"] = to(location)
    assert call_webhook(receiver.url())[0].state == "error"


def test_another_origin_sees_none_of_the_jobs_headers(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    receiver.answers["/"] = to(receiver.url("/other", host="localhost"), 307)
    options = {"headers": {"Authorization": "Bearer open", "X-Api-Key": "key"}}
    secrets = {"headers": '{"X-Token": "hidden-value"}', "signing_key": "signing-key"}
    call_webhook(receiver.url(), options, metadata={"a": 1}, secrets=secrets)
    first, second = (request.headers for request in receiver.received)
    private = {"Authorization", "X-Api-Key", "X-Token", "X-Belfry-Signature"}
    assert private <= set(first)
    assert not private & set(second)
    assert second["X-Belfry-Run"]


def test_the_same_origin_keeps_them(receiver: Receiver) -> None:
    receiver.answers["/"] = to("/other")
    call_webhook(receiver.url(), {"headers": {"Authorization": "Bearer open"}})
    assert receiver.received[1].headers["Authorization"] == "Bearer open"
