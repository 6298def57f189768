"""A mail server and a stand-in for Slack, both real, on the loopback."""

from __future__ import annotations

import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from pytest_django import Settings

from jobs.tests.running import Answer, Receiver
from notifications.models import Destination, SlackSettings


@dataclass
class Postbox:
    """What the mail server took; `answer` is its reply to the next messages, `tried` how many there were.

    `refuses` are the replies to the recipients that it does not take.
    """

    answer: str = "250 OK"
    tried: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusal := self.refuses.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.tried += 1
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer

    @property
    def mails(self) -> list[EmailMessage]:
        contents = (one.content for one in self.envelopes)
        return [
            email.message_from_bytes(content, policy=email.policy.default)
            for content in contents
            if isinstance(content, bytes)
        ]


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    box = Postbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "notifications.channels.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    yield box
    server.stop()


@dataclass
class Slack:
    """The stand-in: `answer(429, ...)` is what it says from then on; `texts` are the messages that came."""

    server: Receiver

    def answer(self, status: int, **headers: str) -> None:
        self.server.answers["/hook"] = Answer(
            status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    @property
    def bodies(self) -> list[bytes]:
        return [received.body for received in self.server.received]


@pytest.fixture
def slack(db: None, settings: Settings) -> Iterator[Slack]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings.SLACK_PLAIN_HOSTS = [f"127.0.0.1:{server.port}"]
    SlackSettings(is_enabled=True, secrets={"webhook_url": server.url("/hook")}).save()
    yield Slack(server)
    server.over.set()
    server.shutdown()
    server.server_close()


@dataclass
class Service:
    """A server on the loopback that stands for the service of one channel, and the destination that leads there."""

    server: Receiver
    destination: Destination

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.server.answers["/hook"] = Answer(status, body, headers=told)

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(received.body) for received in self.server.received]


@pytest.fixture
def receiver(db: None, settings: Settings) -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.ALERT_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


KEY = "R0123456789abcdefghijklmnopqrstu"


def service(receiver: Receiver, channel: str, name: str = "Ops", **values: Any) -> Service:
    """A destination of the channel that leads to the receiver."""
    url = receiver.url("/hook")
    secrets = {"webhook_url": url, "url": url, "routing_key": KEY, "key": "a-key-of-sixteen-signs"}
    options = {}
    if channel == "pagerduty":
        options["url"] = secrets.pop("url")
    slug = name.lower().replace(" ", "-")
    usual = {"name": name, "slug": slug, "channel": channel, "options": options, "secrets": secrets}
    return Service(receiver, Destination.objects.create(**(usual | values)))
