"""Calls to services on the internet: one deadline, no inner addresses, no redirects, and what an answer means."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
import socket
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from django.conf import settings
from django.utils.translation import gettext as _

from notifications.channels.base import PermanentFailure, TemporaryFailure
from scheduler_site.lib import clock
from scheduler_site.lib.addresses import is_public, literal_address
from scheduler_site.lib.text import unseen

SECONDS = 10.0
# A service asks for a while at most; a wrong answer must not put off an alert for days.
LONGEST_WAIT = 3600.0
# So much of an answer is read, for channels that say in the text what went wrong.
READ = 2048
TRANSIENT = frozenset({408, 425, 429})
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Request:
    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    wait: float = 0.0
    text: str = ""


def as_json(value: Any) -> str:
    """As short as it can be said, so that the limits of the services count what people read."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def call(request: Request, name: str) -> Answer:
    """The answer of the service `name`, which was reached. Raises PermanentFailure for an address that must not be called."""
    if problem := url_problem(request.url):
        raise PermanentFailure(problem)
    try:
        return asyncio.run(_post(request))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # The text of these errors may hold the URL, which is a secret.
        raise TemporaryFailure(f"{name} cannot be reached: {type(error).__name__}") from None


def judge(answer: Answer, name: str) -> None:
    """Returns if the service took the message; raises TemporaryFailure if it may take it later, else PermanentFailure."""
    if 200 <= answer.status < 300:
        return
    if answer.status in TRANSIENT or answer.status >= 500:
        raise TemporaryFailure(f"{name} answered {answer.status}", answer.wait)
    raise PermanentFailure(f"{name} answered {answer.status}")


def url_problem(url: str) -> str:
    """Why an address cannot be called: empty when it can. Without TLS, and inside, only the hosts that settings name."""
    if not url:
        return "no webhook is configured"
    if unseen(url) or any(sign.isspace() for sign in url):
        return _("This is not a URL.")
    try:
        parts = urlsplit(url)
        known = parts.scheme in PORTS and is_allowed(parts.hostname or "", parts.port or PORTS[parts.scheme])
    except ValueError:
        return _("This is not a URL.")
    if not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and known))):
        return _("The webhook must be an https URL.")
    if not known and is_inner(parts.hostname):
        return _("The webhook is at an inner address.")
    return ""


def is_allowed(host: str, port: int) -> bool:
    """Whether the settings name this host, with this port or with any."""
    allowed = {*settings.ALERT_ALLOWED_HOSTS, *settings.SLACK_PLAIN_HOSTS}
    shown = f"[{host}]" if ":" in host else host
    return bool(host) and (f"{shown}:{port}" in allowed or shown in allowed)


def is_inner(host: str) -> bool:
    """Whether this names a machine that is not out on the internet."""
    if (address := literal_address(host)) is not None:
        return not is_public(address)
    return "." not in host.strip(".") or host.rstrip(".").endswith((".local", ".internal"))


class OuterOnly(aiohttp.ThreadedResolver):
    """Looks up names; one that leads to an inner address is not found, unless the settings name it."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if not is_allowed(host, port) and any(is_inner(one["host"]) for one in found):
            raise OSError("inner address")
        return found


async def _post(request: Request) -> Answer:
    """Redirects are not followed: they could lead inside."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    headers = {"Content-Type": "application/json", "User-Agent": "Belfry"} | request.headers
    async with (
        aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(resolver=OuterOnly())
        ) as session,
        session.post(request.url, data=request.body, headers=headers, allow_redirects=False) as answer,
    ):
        text = (await answer.content.read(READ)).decode("utf-8", "replace")
        return Answer(answer.status, _wait(answer.headers.get("Retry-After", "")), text)


def _wait(text: str) -> float:
    """The seconds of Retry-After, which may be a number or a date (RFC 9110, 10.2.3)."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        seconds = (aware - clock.now()).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else 0.0
