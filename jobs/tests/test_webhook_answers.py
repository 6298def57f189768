"""The answer of a webhook: shown as it was meant, judged where the job says how, and never asked for twice."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli
import pytest
import zstandard
from django.core.exceptions import ValidationError

from jobs.runners import clean_options
from jobs.runners.webhook.response import SHOWN, size

from .running import Answer, Receiver, call_webhook

pytest_plugins = ["jobs.tests.webhooks"]

TEXT = '{"message": "grüße"}'
BARE = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(TEXT.encode()),
    "X-GZIP": gzip.compress(TEXT.encode()),
    "deflate": zlib.compress(TEXT.encode()),
    "deflate ": BARE.compress(TEXT.encode()) + BARE.flush(),
    "br": brotli.compress(TEXT.encode()),
    "zstd": zstandard.compress(TEXT.encode()),
    "gzip, br": brotli.compress(gzip.compress(TEXT.encode())),
    "identity": TEXT.encode(),
    "unheard-of": TEXT.encode(),
}
# Packed by the test that sends it, not by every process that imports this file.
BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", PACKED)
def test_a_compressed_answer_is_shown_unpacked(receiver: Receiver, coding: str) -> None:
    receiver.answers["/"] = Answer(200, PACKED[coding], {"Content-Encoding": coding})
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.output) == ("success", TEXT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_what_is_not_compressed_although_it_says_so_is_shown_too(receiver: Receiver, coding: str) -> None:
    receiver.answers["/"] = Answer(200, TEXT.encode(), {"Content-Encoding": coding})
    assert call_webhook(receiver.url())[0].output == TEXT


@pytest.mark.parametrize("coding", BOMBS)
def test_a_small_answer_that_unpacks_to_a_large_one_is_cut(receiver: Receiver, coding: str) -> None:
    receiver.answers["/"] = Answer(200, BOMBS[coding](bytes(50_000_000)), {"Content-Encoding": coding})
    outcome, _log = call_webhook(receiver.url())
    assert outcome.state == "success"
    assert outcome.output == "\n[Showing the first 64 KiB, the rest was not read]"  # below nothing but NUL


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)], ids=["gzip", "zstd"]
)
def test_an_answer_of_several_parts_is_shown_whole(
    receiver: Receiver, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    receiver.answers["/"] = Answer(200, pack(b"first ") + pack(b"second"), {"Content-Encoding": coding})
    assert call_webhook(receiver.url())[0].output == "first second"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_answer_that_breaks_off_says_so(receiver: Receiver, coding: str) -> None:
    receiver.answers["/"] = Answer(200, PACKED[coding][:-3], {"Content-Encoding": coding})
    outcome, _log = call_webhook(receiver.url())
    shown, note = outcome.output.split("\n")
    assert TEXT.startswith(shown)
    assert (outcome.state, note) == (
        "success",
        "[The answer ended too soon: its compression ends in the middle]",
    )
    judged, _log = call_webhook(receiver.url(), {"answer_lacks": "error"})
    assert (judged.state, judged.retryable) == ("failed", False)


def test_a_cut_answer_says_so_and_of_how_much(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * 2_100_000, {"Content-Length": "2100000"})
    outcome, _log = call_webhook(receiver.url())
    assert outcome.output == "x" * SHOWN + "\n[Showing the first 64 KiB of 2.1 MB]"


def test_a_whole_answer_says_nothing_of_its_length(receiver: Receiver) -> None:
    assert call_webhook(receiver.url())[0].output == "ok"


@pytest.mark.parametrize(
    ("count", "text"), [(7, "7 bytes"), (65536, "64 KiB"), (2_100_000, "2.1 MB"), (416_000_000, "416 MB")]
)
def test_sizes_are_said_in_words(count: int, text: str) -> None:
    assert size(count) == text


def test_long_headers_of_an_answer_are_read(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"ok", {"Set-Cookie": "a=" + "x" * 60_000})
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.response_status) == ("success", 200)


def test_an_answer_that_cannot_be_read_is_not_asked_for_again(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"ok", {"Set-Cookie": "a=" + "x" * 70_000})
    outcome, _log = call_webhook(receiver.url())
    assert (outcome.state, outcome.retryable) == ("failed", False)
    assert "64 KiB" in outcome.message


def test_an_answer_that_breaks_off_counts_by_its_status_and_says_so(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"half", {"Content-Length": "8"})
    outcome, _log = call_webhook(receiver.url())
    assert outcome.state == "success"
    assert outcome.output.startswith("half\n[The answer ended too soon: ")


def test_an_answer_that_does_not_end_is_not_asked_for_again(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"", {"Content-Length": "10"}, endless=True)
    outcome, _log = call_webhook(receiver.url(), timeout=0.3)
    assert (outcome.state, outcome.retryable) == ("timeout", False)


# What the job expects --------------------------------------------------------------------------------------------------

DOCUMENT = b'{"status": "ok", "count": 1, "items": [{"id": 7}], "none": null}'


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"answer_contains": '"ok"'}, ""),
        ({"answer_contains": "done"}, "The answer does not contain “done”"),
        ({"answer_lacks": "error"}, ""),
        ({"answer_lacks": "status"}, "The answer contains “status”"),
        ({"answer_json": {"status": "ok", "items.0.id": 7, "none": None}}, ""),
        ({"answer_json": {"status": "failed"}}, 'The answer\'s “status” is "ok", not "failed"'),
        ({"answer_json": {"count": True}}, "The answer's “count” is 1, not true"),
        ({"answer_json": {"count": 1.0, "items": [{"id": 7.0}]}}, ""),
        ({"answer_json": {"count": 1.5}}, "The answer's “count” is 1, not 1.5"),
        ({"answer_json_lacks": {"status": "failed", "count": True, "items.1": None, "status.x": 7}}, ""),
        ({"answer_json_lacks": {"count": 1.0}}, "The answer's “count” is 1"),
        ({"answer_json_lacks": {"none": None}}, "The answer's “none” is null"),
        ({"answer_json": {"items.1.id": 7}}, "The answer has no “items.1.id”"),
        ({"answer_json": {"status.x": 7}}, "The answer has no “status.x”"),
    ],
)
def test_a_job_may_say_what_must_be_in_the_answer(
    receiver: Receiver, options: dict[str, Any], problem: str
) -> None:
    receiver.answers["/"] = Answer(200, DOCUMENT)
    outcome, _log = call_webhook(receiver.url(), options)
    assert (outcome.state, outcome.message) == ("failed" if problem else "success", problem)
    assert outcome.response_status == 200
    assert outcome.retryable is (not problem)


@pytest.mark.parametrize("option", ["answer_json", "answer_json_lacks"])
def test_an_answer_that_is_no_json_does_not_fit(receiver: Receiver, option: str) -> None:
    assert call_webhook(receiver.url(), {option: {"a": 1}})[0].message == "The answer is not JSON"


def test_an_expected_text_is_found_beyond_what_is_shown(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * 100_000 + b"done")
    assert call_webhook(receiver.url(), {"answer_contains": "done"})[0].state == "success"


def test_what_cannot_be_known_is_no_success(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * 2_000_000)
    for options in ({"answer_lacks": "error"}, {"answer_contains": "done"}, {"answer_json_lacks": {"a": 1}}):
        outcome, _log = call_webhook(receiver.url(), options)
        assert (outcome.state, outcome.retryable) == ("failed", False)
        assert "MiB" in outcome.message or "KiB" in outcome.message or "MB" in outcome.message


def test_a_failed_status_is_told_and_not_what_the_body_lacks(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(500, b"broken")
    outcome, _log = call_webhook(receiver.url(), {"answer_contains": "done"})
    assert (outcome.message, outcome.retryable) == ("Webhook returned status 500", True)


@pytest.mark.parametrize("value", [[1], "text", {"": 1}, {"a": "x" * 10_001}])
def test_expectations_that_make_no_sense_are_refused_by_name(value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_options("webhook", {"target_url": "https://example.com/", "answer_json": value})
    assert list(refusal.value.message_dict) == ["answer_json"]


def test_an_unchecked_box_is_the_same_job_as_no_key() -> None:
    plain = {"target_url": "https://example.com/"}
    assert clean_options("webhook", plain | {"follow_as_get": False}) == plain
    assert clean_options("webhook", plain | {"follow_as_get": True}) == plain | {"follow_as_get": True}
