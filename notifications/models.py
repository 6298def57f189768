"""Alerts to deliver, items of inboxes, destinations and the Slack settings.

Jobs and runs live in apps above this one: their ids and names are kept as text, and stay when their rows are gone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Team, User
from audit.models import Stamped
from notifications.texts import from_json
from scheduler_site.lib.encrypted import EncryptedJSONField

LONGEST_NAME = 200
HIDDEN = "********"
# Before the uid of a destination among the recipients of an alert.
DESTINATION = "destination:"


class AlertQuerySet(models.QuerySet["Alert"]):
    def due(self, now: dt.datetime) -> AlertQuerySet:
        """What may be tried now: new, waiting for another try, or left behind by a process that died in the middle."""
        return self.filter(state__in=Alert.OPEN, next_attempt_at__lte=now)

    def undelivered(self, before: dt.datetime) -> AlertQuerySet:
        """What people should have and do not have: given up, or still open though it is older than that."""
        late = Q(state__in=Alert.OPEN, created_at__lt=before)
        return self.filter(late | Q(state=Alert.State.UNDELIVERABLE))


class Alert(models.Model):
    """One message about one event to one group of recipients through one channel.

    `key` names all of these and is unique: whoever writes the alert a second time writes nothing.
    """

    class Event(models.TextChoices):
        JOB_FAILED = "job_failed", _("job failed")
        JOB_SUCCEEDED = "job_succeeded", _("job succeeded")
        MISSED = "missed", _("due times missed")
        LATE = "late", _("late")
        OVERRUN = "overrun", _("exceeded expected duration")
        UNUSUAL = "unusual", _("unusual run")
        RECOVERED = "recovered", _("recovered")
        REMINDED = "reminded", _("still open")
        ESCALATED = "escalated", _("escalated")
        FLAPPING = "flapping", _("flapping")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        CLOSED = "closed", _("closed")
        DIGEST = "digest", _("daily digest")
        SUMMARY = "summary", _("summary")
        ENDING_SOON = "ending_soon", _("ending soon")
        AUTO_PAUSED = "auto_paused", _("paused at its end")
        SYSTEM_SILENT = "system_silent", _("system: not responding")
        SYSTEM_RECOVERED = "system_recovered", _("system: recovered")
        TEST = "test", _("test")

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        SLACK = "slack", _("Slack")
        INBOX = "inbox", _("inbox")
        WEBHOOK = "webhook", _("webhook")
        TEAMS = "teams", "Microsoft Teams"
        DISCORD = "discord", "Discord"
        PAGERDUTY = "pagerduty", "PagerDuty"

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        SENDING = "sending", _("being sent")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERABLE = "undeliverable", _("undeliverable")
        SILENCED = "silenced", _("muted")
        SUMMARISED = "summarised", _("sent in a summary")

    OPEN = (State.PENDING, State.SENDING)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=200, unique=True)
    event = models.CharField(_("event"), max_length=20, choices=Event.choices)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel.choices)
    # E-mail: addresses. Inbox: `user:<uid>`, or `category:<id>` for all who see that category. Services: `destination:<uid>`
    # and its name; the Slack that has settings of its own: none.
    recipients = models.JSONField(_("recipients"), default=list)
    subject = models.CharField(_("subject"), max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    # For inboxes: title and message as they can be said in any language (notifications/texts.py).
    texts = models.JSONField(default=list, blank=True, editable=False)
    link = models.CharField(max_length=500, blank=True)
    job_uid = models.UUIDField(null=True)
    job_name = models.CharField(_("job"), max_length=LONGEST_NAME, blank=True)
    execution_uid = models.UUIDField(null=True)
    account_uid = models.UUIDField(null=True)
    # The incident that it is about, and where in its course (notifications/incident_thread.py).
    thread = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    phase = models.CharField(max_length=12, blank=True, default="", db_default="", editable=False)

    state = models.CharField(_("state"), max_length=14, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # While it waits: when it may be tried. While it is being sent: when it is taken for abandoned. Afterwards: never.
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    give_up_at = models.DateTimeField()
    created_at = models.DateTimeField(_("created"))
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    last_error = models.TextField(_("error"), blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        permissions = [("resend_alert", "Can send alerts again")]
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["next_attempt_at"], name="alert_next_attempt"),
            models.Index(fields=["state", "-id"], name="alert_state"),
            models.Index(fields=["created_at"], name="alert_created"),
            models.Index(fields=["delivered_at"], name="alert_delivered"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.subject}"

    @property
    def destination_uid(self) -> str:
        """The uid of the destination that it goes to; empty for other channels."""
        first = str(self.recipients[0]) if self.recipients else ""
        return first.removeprefix(DESTINATION) if first.startswith(DESTINATION) else ""

    @property
    def whom(self) -> list[str]:
        """The recipients that the page names."""
        if self.channel == self.Channel.EMAIL:
            return list(self.recipients)
        return list(self.recipients[1:]) if self.destination_uid else []

    @property
    def may_be_sent_again(self) -> bool:
        return self.state in (self.State.UNDELIVERABLE, self.State.SILENCED)


class Notification(models.Model):
    """An item of a user's inbox (v2 wire facts, section 11)."""

    class Type(models.TextChoices):
        SUCCESS = "success", _("success")
        ERROR = "error", _("error")
        WARNING = "warning", _("warning")
        INFO = "info", _("info")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    title = models.CharField(_("title"), max_length=LONGEST_NAME)
    message = models.TextField(_("message"))
    # Both as they can be said in any language; empty where they are nobody's sentence.
    texts = models.JSONField(default=list, blank=True, editable=False)
    type = models.CharField(_("type"), max_length=8, choices=Type.choices, default=Type.INFO)
    related_job_uid = models.UUIDField(null=True, db_index=True)
    related_execution_uid = models.UUIDField(null=True)
    is_read = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_user"),
            models.Index(fields=["user", "is_read"], name="notification_unread"),
            models.Index(fields=["created_at"], name="notification_created"),
        ]

    def __str__(self) -> str:
        return self.title

    @cached_property
    def said(self) -> dict[str, str]:
        """`title` and `message` in the language of the page; the API tells both in English."""
        try:
            title, message = map(from_json, self.texts)
            return {"title": str(title)[:LONGEST_NAME], "message": str(message)}
        except (TypeError, ValueError, KeyError):  # none, or a row that was damaged by hand
            return {"title": self.title, "message": self.message}


class SlackSettings(Stamped):
    """Where Slack messages go; one row. The URL is a secret: anyone who has it can write to the channel."""

    ONLY = 1

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    is_enabled = models.BooleanField(_("Send messages to Slack"), default=False)
    secrets = EncryptedJSONField(default=dict, blank=True, editable=False)
    channel = models.CharField(pgettext_lazy("in Slack", "Channel"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("Slack settings")
        verbose_name_plural = _("Slack settings")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = self.ONLY
        super().save(*args, **kwargs)

    @classmethod
    def load(cls) -> SlackSettings:
        """The row; made, switched off, when it is first asked for."""
        return cls.objects.get_or_create(pk=cls.ONLY)[0]

    @classmethod
    def on(cls) -> bool:
        """Whether messages are to be written for Slack at all."""
        return cls.objects.filter(pk=cls.ONLY, is_enabled=True).exists()

    @property
    def webhook_url(self) -> str:
        return self.secrets.get("webhook_url", "")

    @property
    def masked_url(self) -> str:
        return masked_url(self.webhook_url)


class Destination(Stamped):
    """A place that messages of one channel go to, with its settings: "Ops Discord", "Payments PagerDuty".

    A job names those that it wants; else those of its team are told, else the installation's default ones.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    # By which jobs name it: made of the name once, and never changed.
    slug = models.CharField(max_length=60, unique=True, editable=False)
    channel = models.CharField(_("channel"), max_length=16, choices=Alert.Channel.choices)
    is_enabled = models.BooleanField(_("enabled"), default=True, db_default=True)
    is_default = models.BooleanField(_("default"), default=False, db_default=False)
    teams = models.ManyToManyField(Team, verbose_name=_("teams"), blank=True, related_name="destinations")
    options = models.JSONField(default=dict, blank=True, editable=False)
    secrets = EncryptedJSONField(default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        ordering = ("name",)
        default_permissions = ("change",)

    def __str__(self) -> str:
        return self.name

    @property
    def settings(self) -> dict[str, str]:
        return {**self.options, **self.secrets}


def masked_url(url: str) -> str:
    """An address as it may be shown: where it leads, without what makes it a secret."""
    if not url:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{HIDDEN}"
