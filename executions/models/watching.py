"""Signs of life of processes, and what people are still to be told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models import Job


class Heartbeat(models.Model):
    """The sign of life of one process: a beat, a worker of one queue, the reconciler."""

    name = models.CharField(max_length=120, unique=True)
    role = models.CharField(max_length=16, db_index=True)
    at = models.DateTimeField()
    started_at = models.DateTimeField()
    # Seconds by which its host's clock is ahead of the database's.
    ahead = models.FloatField(default=0.0, db_default=0.0)
    # The release of the time zone rules that it came with.
    tzdata = models.CharField(max_length=16, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.role} {self.name}"


class Untold(models.Model):
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

    def __str__(self) -> str:
        return self.key


class Watch(models.Model):
    """Something that is not as it should be, since when, and whether people were told: told once, until it is well again.

    `subject` is a job's uid or one of the system's own parts. A `quiet` one was part of a summary: its end is not told.
    """

    class Clock(models.TextChoices):
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
    clock = models.CharField(max_length=8, choices=Clock.choices)
    job = models.ForeignKey(Job, null=True, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    quiet = models.BooleanField(default=False)
    # Of an unusual run: the numbers to tell, and when a later run was as usual again.
    execution_uid = models.UUIDField(null=True)
    details = models.JSONField(null=True)
    over_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "clock"], name="one_watch_per_clock")]

    def __str__(self) -> str:
        return f"{self.subject} {self.clock}"
