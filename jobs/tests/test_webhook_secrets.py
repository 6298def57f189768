"""Secrets of a webhook: sent where they belong, and seen nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import quote, quote_plus

import pytest

from jobs.runners.masking import MASK, Mask
from scheduler_site.lib.signing import signature

from .running import Answer, Receiver, call_webhook

pytest_plugins = ["jobs.tests.webhooks"]

SECRET = "pa/ss+word&ü=canary"


def secret_headers(**headers: str) -> dict[str, str]:
    return {"headers": json.dumps(headers)}


def test_secret_headers_are_merged_over_the_options(receiver: Receiver) -> None:
    options = {"headers": {"X-One": "open", "X-Two": "kept"}}
    call_webhook(receiver.url(), options, secrets=secret_headers(**{"X-One": "hidden"}))
    headers = receiver.received[0].headers
    assert (headers["X-One"], headers["X-Two"]) == ("hidden", "kept")


@pytest.mark.parametrize(
    "echo",
    [
        SECRET.encode(),
        quote(SECRET).encode(),
        quote(SECRET, safe="").lower().encode(),
        quote_plus(SECRET).encode(),
        json.dumps(SECRET).encode(),
        base64.b64encode(SECRET.encode()),
        base64.urlsafe_b64encode(SECRET.encode()),
        base64.b64encode(b"user:" + SECRET.encode()),
        base64.b64encode(b"some-user:" + SECRET.encode() + b"\n"),
        SECRET.encode().hex().encode(),
    ],
)
def test_a_secret_that_the_answer_repeats_is_masked_in_every_form(receiver: Receiver, echo: bytes) -> None:
    receiver.answers["/"] = Answer(200, b"before " + echo + b" after")
    outcome, _log = call_webhook(receiver.url(), secrets={"signing_key": SECRET})
    assert MASK in outcome.output
    assert outcome.output.startswith("before ")
    assert outcome.output.endswith(" after")
    core = echo.decode()[12:-6]
    assert core not in outcome.output


def test_the_authorization_header_of_the_job_is_never_shown(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(500, b"you sent Bearer abcdef123456 and abcdef123456")
    outcome, log = call_webhook(receiver.url(), {"headers": {"authorization": "Bearer abcdef123456"}})
    assert "abcdef123456" not in outcome.output + outcome.message + log


def test_a_secret_across_the_cut_is_masked_before_it_is_cut(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * (65536 - 5) + b"canary-secret-value" + b"y" * 100)
    outcome, _log = call_webhook(receiver.url(), secrets=secret_headers(**{"X-Key": "canary-secret-value"}))
    assert "canar" not in outcome.output
    assert len(outcome.output.split("\n")[0]) == 65536


def test_a_secret_in_the_address_is_masked_in_log_target_and_message(receiver: Receiver) -> None:
    receiver.answers["/hook?key=canary-value"] = Answer(302, b"", {"Location": "ftp://canary-value/"})
    secrets = {"signing_key": "canary-value"}
    outcome, log = call_webhook(receiver.url("/hook?key=canary-value"), secrets=secrets)
    assert "canary-value" not in outcome.target + outcome.message + outcome.output + log
    assert receiver.received[0].path == "/hook?key=canary-value"


@pytest.mark.parametrize("text", ["not json", "[1]", '{"Host": "x"}', '{"X-A": "a\\nb"}'])
def test_secret_headers_that_may_not_be_sent_stop_the_run_without_showing_them(
    receiver: Receiver, text: str
) -> None:
    outcome, log = call_webhook(receiver.url(), secrets={"headers": text})
    assert (outcome.state, outcome.retryable) == ("error", False)
    assert receiver.received == []
    assert text not in outcome.message + log


def test_a_signing_key_signs_time_and_body(receiver: Receiver) -> None:
    call_webhook(receiver.url(), metadata={"a": 1}, secrets={"signing_key": "the-key"})
    request = receiver.received[0]
    parts = dict(part.split("=") for part in request.headers["X-Belfry-Signature"].split(","))
    expected = hmac.new(b"the-key", parts["t"].encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert parts["v1"] == expected
    assert request.headers["X-Belfry-Signature"] == signature("the-key", request.body, int(parts["t"]))


def test_without_a_signing_key_there_is_no_signature(receiver: Receiver) -> None:
    call_webhook(receiver.url())
    assert "X-Belfry-Signature" not in receiver.received[0].headers


def test_a_mask_leaves_other_text_and_too_short_secrets_alone() -> None:
    mask = Mask(["abc", "", "longer"])
    assert mask("abc and long") == "abc and long"
    assert mask("a longer one") == f"a {MASK} one"
    assert Mask([])("anything") == "anything"
