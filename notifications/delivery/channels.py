"""The calls to the world outside: SMTP and Slack. Each has a deadline; each says what a failure means."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications.delivery.smtp import Refused
from notifications.models import Alert, SlackSettings
from scheduler_site.lib.addresses import is_public, literal_address
from scheduler_site.lib.text import unseen

SLACK_SECONDS = 10.0
# Slack asks for a while at most; a wrong answer must not put off an alert for days.
LONGEST_WAIT = 3600.0
HUNG_UP = 421


class Failed(Exception):
    """It did not work this time; `wait` are the seconds that the other side asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Hopeless(Exception):
    """It will not work, however often it is tried."""


class Divided(Exception):
    """It went different ways for different recipients: `accepted` have it, `later` may be tried again, `never` not."""

    def __init__(self, accepted: list[str], later: dict[str, int], never: dict[str, int]) -> None:
        super().__init__(_reason(later | never))
        self.accepted, self.later, self.never = accepted, later, never


class SwitchedOff(Exception):
    """It is not wanted."""


def send_email(alert: Alert) -> None:
    """One message to all recipients. Raises Failed, Hopeless, Divided or SwitchedOff."""
    if not settings.MAIL_ENABLED:
        raise SwitchedOff("e-mail is switched off (MAIL_ENABLED)")
    if not settings.EMAIL_HOST:
        raise Hopeless("no mail server is configured")
    addresses = {sanitize_address(address, "utf-8"): address for address in _addresses(alert)}
    mail = EmailMultiAlternatives(
        subject=alert.subject,
        body=alert.text,
        to=list(addresses.values()),
        # The same alert has the same id however often it is sent: mail programs show it once.
        headers={"Message-ID": f"<{alert.uid}@belfry>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(),
    )
    if alert.html:
        mail.attach_alternative(alert.html, "text/html")
    try:
        mail.send()
    except Refused as error:
        refused = {addresses[address]: code for address, code in error.codes.items()}
        accepted = [address for address in addresses.values() if address not in refused]
        raise _divided(accepted, refused) from error
    except smtplib.SMTPRecipientsRefused as error:
        # Nobody has it. A server that hangs up before it has heard all of them (421) has not refused the others.
        told = {address: code for address, (code, _text) in error.recipients.items()}
        raise _divided([], {addresses[one]: told.get(one, HUNG_UP) for one in addresses}) from error
    except smtplib.SMTPResponseException as error:
        # A server that answers 5xx to a password may be set right within the day; to a message, it will not.
        raise Failed(f"the mail server answered {error.smtp_code}") from error
    except TimeoutError as error:
        raise Failed(f"the mail server was not done within {settings.EMAIL_TIMEOUT} s") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Failed(f"the mail server cannot be reached: {type(error).__name__}") from error


def send_slack(alert: Alert) -> None:
    """One message through the incoming webhook. Raises Failed, Hopeless or SwitchedOff."""
    slack = SlackSettings.objects.filter(pk=SlackSettings.ONLY).first()
    if slack is None or not (slack.is_enabled or alert.event == Alert.Event.TEST):
        raise SwitchedOff("Slack is switched off")
    if problem := url_problem(slack.webhook_url):
        raise Hopeless(problem)
    payload = {"text": alert.text} | ({"channel": slack.channel} if slack.channel else {})
    try:
        status, retry_after = asyncio.run(_post(slack.webhook_url, payload))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # The text of these errors may hold the URL, which is a secret.
        raise Failed(f"Slack cannot be reached: {type(error).__name__}") from None
    if 200 <= status < 300:
        return
    if status in (408, 425, 429) or status >= 500:
        raise Failed(f"Slack answered {status}", retry_after)
    raise Hopeless(f"Slack answered {status}")


def url_problem(url: str) -> str:
    """Why a webhook cannot be called: empty when it can. Without TLS only the hosts of SLACK_PLAIN_HOSTS."""
    if not url:
        return "no webhook is configured"
    if unseen(url) or any(sign.isspace() for sign in url):
        return _("This is not a URL.")
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.netloc in settings.SLACK_PLAIN_HOSTS
    except ValueError:
        return _("This is not a URL.")
    if not (parts.hostname and (parts.scheme == "https" or plain)):
        return _("The webhook must be an https URL.")
    if not plain and is_inner(parts.hostname):
        return _("The webhook is at an inner address.")
    return ""


def is_inner(host: str) -> bool:
    """Whether this names a machine that is not out on the internet, unless SLACK_PLAIN_HOSTS has it."""
    if (address := literal_address(host)) is not None:
        return not is_public(address)
    return "." not in host.strip(".") or host.rstrip(".").endswith((".local", ".internal"))


class OuterOnly(aiohttp.ThreadedResolver):
    """Looks up names; one that leads to an inner address is not found. SLACK_PLAIN_HOSTS may lead anywhere."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if f"{host}:{port}" not in settings.SLACK_PLAIN_HOSTS and any(is_inner(one["host"]) for one in found):
            raise OSError("inner address")
        return found


async def _post(url: str, payload: dict[str, Any]) -> tuple[int, float]:
    """The status of the answer, and the seconds that it asks to wait. Redirects are not followed."""
    timeout = aiohttp.ClientTimeout(total=SLACK_SECONDS)
    async with (
        aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(resolver=OuterOnly())
        ) as session,
        session.post(url, json=payload, allow_redirects=False) as answer,
    ):
        return answer.status, _seconds(answer.headers.get("Retry-After", ""))


def _seconds(text: str) -> float:
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0


def _addresses(alert: Alert) -> list[str]:
    good = []
    for address in alert.recipients:
        try:
            validate_email(address)
        except ValidationError:
            continue
        good.append(address)
    if not good:
        raise Hopeless("there is no valid address")
    return good


def _divided(accepted: list[str], refused: dict[str, int]) -> Failed | Hopeless | Divided:
    never = {address: code for address, code in refused.items() if code >= 500}
    later = {address: code for address, code in refused.items() if code < 500}
    if not accepted and not never:
        return Failed(_reason(later))
    if not accepted and not later:
        return Hopeless(_reason(never))
    return Divided(accepted, later, never)


def _reason(refused: dict[str, int]) -> str:
    codes = ", ".join(str(code) for code in sorted(set(refused.values())))
    return f"the mail server refused the recipients: {codes}"
