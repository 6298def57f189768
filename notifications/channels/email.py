"""E-mail over SMTP: one message to all recipients of an alert."""

from __future__ import annotations

import datetime as dt
import smtplib
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from notifications.channels.base import (
    AlertMessage,
    Field,
    Label,
    PartialDelivery,
    PermanentFailure,
    RenderedMessage,
    SwitchedOff,
    TemporaryFailure,
)
from notifications.channels.smtp import Refused
from notifications.models import Alert

HUNG_UP = 421


class Email:
    name: ClassVar[str] = Alert.Channel.EMAIL
    label: ClassVar[Label] = _("e-mail")
    about: ClassVar[Label] = _("Mails to the addresses of each job.")
    fields: ClassVar[tuple[Field, ...]] = ()

    def wants(self, event: Alert.Event) -> bool:
        return True

    def worded(self, news: AlertMessage) -> RenderedMessage:
        return RenderedMessage(news.message.text(), news.message.html())

    def send(self, alert: Alert, now: dt.datetime) -> None:
        if not settings.MAIL_ENABLED:
            raise SwitchedOff("e-mail is switched off (MAIL_ENABLED)")
        if not settings.EMAIL_HOST:
            raise PermanentFailure("no mail server is configured")
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
            raise TemporaryFailure(f"the mail server answered {error.smtp_code}") from error
        except TimeoutError as error:
            raise TemporaryFailure(
                f"the mail server was not done within {settings.EMAIL_TIMEOUT} s"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryFailure(f"the mail server cannot be reached: {type(error).__name__}") from error


def _addresses(alert: Alert) -> list[str]:
    good = []
    for address in alert.recipients:
        try:
            validate_email(address)
        except ValidationError:
            continue
        good.append(address)
    if not good:
        raise PermanentFailure("there is no valid address")
    return good


def _divided(
    accepted: list[str], refused: dict[str, int]
) -> TemporaryFailure | PermanentFailure | PartialDelivery:
    never = {address: code for address, code in refused.items() if code >= 500}
    later = {address: code for address, code in refused.items() if code < 500}
    if not accepted and not never:
        return TemporaryFailure(_reason(later))
    if not accepted and not later:
        return PermanentFailure(_reason(never))
    return PartialDelivery(_reason(later | never), accepted, later, never)


def _reason(refused: dict[str, int]) -> str:
    codes = ", ".join(str(code) for code in sorted(set(refused.values())))
    return f"the mail server refused the recipients: {codes}"
