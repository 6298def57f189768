"""The calls to the world outside: SMTP and Slack. Each has a deadline; each says what a failure means."""

from __future__ import annotations

import asyncio
import smtplib
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications.models import Alert, SlackSettings

SLACK_SECONDS = 10.0
# Slack asks for a while at most; a wrong answer must not put off an alert for days.
LONGEST_WAIT = 3600.0


class Failed(Exception):
    """It did not work this time; `wait` are the seconds that the other side asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Hopeless(Exception):
    """It will not work, however often it is tried."""


class SwitchedOff(Exception):
    """It is not wanted."""


def send_email(alert: Alert) -> None:
    """One message to all recipients. Raises Failed, Hopeless or SwitchedOff."""
    if not settings.MAIL_ENABLED:
        raise SwitchedOff("e-mail is switched off (MAIL_ENABLED)")
    if not settings.EMAIL_HOST:
        raise Hopeless("no mail server is configured")
    mail = EmailMultiAlternatives(
        subject=alert.subject,
        body=alert.text,
        to=_addresses(alert),
        # The same alert has the same id however often it is sent: mail programs show it once.
        headers={"Message-ID": f"<{alert.uid}@belfry>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(),
    )
    if alert.html:
        mail.attach_alternative(alert.html, "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        raise _refused(codes, f"the server refused all recipients: {_codes(codes)}") from error
    except smtplib.SMTPResponseException as error:
        # A server that answers 5xx to a password may be set right within the day; to a message, it will not.
        raise Failed(f"the mail server answered {error.smtp_code}") from error
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
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.netloc in settings.SLACK_PLAIN_HOSTS
    except ValueError:
        return _("This is no URL.")
    if not (parts.hostname and (parts.scheme == "https" or plain)):
        return _("The webhook must be an https URL.")
    return ""


async def _post(url: str, payload: dict[str, Any]) -> tuple[int, float]:
    """The status of the answer, and the seconds that it asks to wait. Redirects are not followed."""
    timeout = aiohttp.ClientTimeout(total=SLACK_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
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


def _refused(codes: list[int], reason: str) -> Failed | Hopeless:
    return Hopeless(reason) if all(code >= 500 for code in codes) else Failed(reason)


def _codes(codes: list[int]) -> str:
    return ", ".join(str(code) for code in sorted(set(codes)))
