"""Push notifications: hidden and refused without what they need, one request with it."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

from jobs.classes.apns import APNSJob
from jobs.classes.catalog import meta_infos

DEVICE = "ab" * 32


class Answer:
    status_code = 200
    headers = {"apns-id": "7"}
    text = ""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A library that notes what it is asked to send."""
    notes: list[dict[str, Any]] = []

    class Client:
        def __init__(self, **options: Any) -> None:
            self.options = options

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_error: object) -> None: ...

        def post(self, url: str, **request: Any) -> Answer:
            notes.append({"url": url, **request, **self.options})
            return Answer()

    library = ModuleType("httpx")
    library.Client = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "httpx", library)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setenv("APNS_CERT_PATH", "/etc/push.pem")
    monkeypatch.setenv("APNS_TOPIC", "org.example.app")
    return notes


def test_without_a_certificate_it_is_hidden_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APNS_CERT_PATH", raising=False)
    assert "jobs.classes.apns.APNSJob" not in {
        info["job_class_string"] for info in meta_infos(["jobs.classes"])
    }
    with pytest.raises(RuntimeError, match="APNS_CERT_PATH is not set"):
        APNSJob().run(DEVICE, "hello")


def test_without_the_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APNS_CERT_PATH", "/etc/push.pem")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert not APNSJob.available()
    with pytest.raises(RuntimeError, match=r"httpx\[http2\] is not installed"):
        APNSJob().run(DEVICE, "hello")


def test_it_sends_one_alert(sent: list[dict[str, Any]]) -> None:
    assert APNSJob().run(DEVICE, "hello") == {"status": 200, "apns_id": "7"}
    assert sent == [
        {
            "url": f"https://api.push.apple.com/3/device/{DEVICE}",
            "headers": {"apns-push-type": "alert", "apns-topic": "org.example.app"},
            "json": {"aps": {"alert": "hello"}},
            "http2": True,
            "cert": "/etc/push.pem",
            "timeout": 30,
        }
    ]


def test_a_refusal_of_the_service_fails_the_run(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answer, "status_code", 410)
    with pytest.raises(RuntimeError, match="answered 410"):
        APNSJob().run(DEVICE, "hello")


def test_what_is_no_device_token_is_not_sent(sent: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="device token"):
        APNSJob().run("../../1", "hello")
    assert sent == []
