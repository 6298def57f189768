"""Rules of messages about incidents: reminders, escalation steps, and muted jobs."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from audit.models import Stamped
from notifications.models import LONGEST_NAME, Alert

MINUTES_OF_A_WEEK = 7 * 24 * 60
# Minutes between reminders where nobody has decided otherwise: of channels that are not named there are none.
USUAL_REMINDERS = {Alert.Channel.EMAIL.value: 240, Alert.Channel.SLACK.value: 240}


class ReminderRules(Stamped):
    """How often people are reminded of what nobody has acknowledged, by channel; one row. 0: never."""

    ONLY = 1

    minutes = models.JSONField(_("minutes between reminders"), default=dict)
    # The day of the last digest, in the scheduler's zone.
    digest_on = models.DateField(null=True, editable=False)

    class Meta:
        verbose_name = _("reminders")
        verbose_name_plural = _("reminders")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = self.ONLY
        super().save(*args, **kwargs)

    @classmethod
    def current(cls) -> dict[str, int]:
        """The channels by which people are reminded, with the minutes in between."""
        row = cls.objects.filter(pk=cls.ONLY).first()
        minutes = USUAL_REMINDERS | (row.minutes if row else {})
        return {channel: number for channel, number in minutes.items() if number}


class EscalationStep(Stamped):
    """Whom else to tell of an incident that nobody has acknowledged for so long. A team's steps replace those for all."""

    class Channel(models.TextChoices):
        EMAIL = Alert.Channel.EMAIL.value, _("e-mail")
        # Those that the job, its team or the installation has chosen.
        SLACK = Alert.Channel.SLACK.value, _("Slack and other services")
        INBOX = Alert.Channel.INBOX.value, _("inbox")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    after = models.PositiveIntegerField(
        _("after minutes"),
        validators=[MinValueValidator(1), MaxValueValidator(MINUTES_OF_A_WEEK)],
        help_text=_("Minutes for which nobody has acknowledged the incident."),
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    # By e-mail and inbox; none: the administrators.
    user = models.ForeignKey(
        User, verbose_name=_("user"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        verbose_name = _("escalation step")
        verbose_name_plural = _("escalation steps")
        ordering = ("after", "id")

    def __str__(self) -> str:
        return f"{self.after} min: {self.get_channel_display()}"


class Mute(Stamped):
    """A job whose incidents open and close without a message, until when."""

    job_uid = models.UUIDField(unique=True)
    job_name = models.CharField(_("job"), max_length=LONGEST_NAME, blank=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("mute")
        verbose_name_plural = _("mutes")

    def __str__(self) -> str:
        return self.job_name
