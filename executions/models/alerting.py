"""Alerts that are still to be sent, and conditions that are announced once until they are over."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models import Job


class PendingAlert(models.Model):
    """Due times of a job that were missed, or a run of it that was lost, of which nobody has been told yet.

    Written together with the rows of the ledger, gathered by the reconciler: after an outage people get one message.
    """

    # Of the same due times there is one, whoever writes it a second time.
    key = models.CharField(max_length=120, unique=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    # Without: due times that passed. With: a run that was given up.
    execution_uid = models.UUIDField(null=True)
    slots = models.PositiveIntegerField(default=1)
    made_up = models.PositiveIntegerField(default=0)
    first = models.DateTimeField()
    last = models.DateTimeField()
    error = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        # The name of the table is older than that of the class.
        db_table = "executions_untold"

    def __str__(self) -> str:
        return self.key


class AlertCondition(models.Model):
    """Something that is not as it should be, since when, and whether people were told: told once, until it is over.

    `subject` is a job's uid or one of the system's own parts. A `quiet` one was part of a summary: its end is not told.
    """

    class Kind(models.TextChoices):
        LATE = "late", _("late")
        MISSED = "missed", _("missed")
        OVERRUN = "overrun", _("exceeded expected duration")
        # A run that ended well, unlike those before it (executions/alerting/unusual.py).
        SLOW = "slow", _("took longer than usual")
        QUICK = "quick", _("took less time than usual")
        MEMORY = "memory", _("used more memory than usual")
        BLOCKED = "blocked", _("due times skipped")
        SILENT = "silent", _("not responding")
        WEEK = "week", _("weekly reminder")

    subject = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Kind.choices, db_column="clock")
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    quiet = models.BooleanField(default=False)
    # Of an unusual run: the numbers to tell, and when a later run was as usual again.
    execution_uid = models.UUIDField(null=True)
    details = models.JSONField(null=True)
    over_at = models.DateTimeField(null=True)

    class Meta:
        # The names of the table and of its constraint are older than that of the class.
        db_table = "executions_watch"
        constraints = [models.UniqueConstraint(fields=["subject", "kind"], name="one_watch_per_clock")]

    def __str__(self) -> str:
        return f"{self.subject} {self.kind}"
