"""What every channel has: how it words a message, how it sends one, and what a failure means.

One module for each channel, one object for each in the registry of this room. docs/development.md has the recipe.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, Union

from notifications.messages import Message
from notifications.models import Alert

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# For people, translated when it is shown.
Label = Union[str, "_StrPromise"]


class TemporaryFailure(Exception):
    """Delivery failed and may succeed later; `wait`: seconds that the server asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class PermanentFailure(Exception):
    """Delivery failed and will not succeed later."""


class PartialDelivery(Exception):
    """Delivery differs by recipient: `accepted` have it, `later` may be tried again, `never` not."""

    def __init__(
        self, reason: str, accepted: list[str], later: Mapping[str, int], never: Mapping[str, int]
    ) -> None:
        super().__init__(reason)
        self.accepted, self.later, self.never = accepted, later, never


class SwitchedOff(Exception):
    """The channel is switched off."""


@dataclass(frozen=True)
class AlertSubject:
    """The job and the run that an alert is about; empty for the system's own."""

    job_uid: uuid.UUID | None = None
    job_name: str = ""
    execution_uid: uuid.UUID | None = None
    # Whose job it is: its mails count as this account's.
    account_uid: uuid.UUID | None = None
    # Where the job wants to be told of (a list of slugs, as its field has it), and its team, whose choice comes next.
    destinations: str = ""
    team: int | None = None


NOTHING = AlertSubject()


@dataclass(frozen=True)
class AlertMessage:
    """A message to send: `uid` is that of the alert, `key` identifies the event for all its alerts."""

    message: Message
    event: Alert.Event
    about: AlertSubject
    key: str
    uid: uuid.UUID
    at: dt.datetime


@dataclass(frozen=True)
class RenderedMessage:
    """A message in the form of a channel; `text` is what is sent, for most channels a document in JSON."""

    text: str
    html: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Field:
    """A setting of a destination. A secret one is encrypted, and never shown; an address is one that may be called."""

    name: str
    label: Label
    help: Label = ""
    is_secret: bool = False
    is_address: bool = False
    is_required: bool = True
    default: str = ""
    longest: int = 1000
    # What it must look like, and what is said where it does not.
    pattern: str = ""
    shape: Label = ""
    choices: tuple[str, ...] = field(default=())


# What people did to an incident: of use only where incidents are kept.
DEEDS = frozenset({Alert.Event.ACKNOWLEDGED, Alert.Event.CLOSED})


class Channel(Protocol):
    """A way to deliver alerts. A channel with `fields` has destinations, each with settings of its own."""

    name: ClassVar[str]
    label: ClassVar[Label]
    about: ClassVar[Label]
    fields: ClassVar[tuple[Field, ...]]

    def wants(self, event: Alert.Event) -> bool:
        """Whether this channel sends such messages."""

    def worded(self, news: AlertMessage) -> RenderedMessage:
        """The message, in the language that is active. What people wrote is data in it: no markup, mention or header."""

    def send(self, alert: Alert, now: dt.datetime) -> None:
        """One alert, within a deadline. Raises TemporaryFailure, PermanentFailure, PartialDelivery or SwitchedOff."""


def cut(text: str, longest: int) -> str:
    """A piece that says that it is one."""
    return text if len(text) <= longest else f"{text[: max(0, longest - 1)]}…"
