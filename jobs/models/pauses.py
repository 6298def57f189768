"""Pauses: times in which a job does not follow its schedule."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models.job import Job


class Pause(models.Model):
    """A time in which a job does not run by schedule: who, why, and until when."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="pauses")
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["ended_at", "until"], name="pause_until")]

    def __str__(self) -> str:
        return f"{self.job} since {self.since}"


class InactivePeriod(models.Model):
    """A time in which a job does not follow its schedule. Once it is over it becomes one row of the ledger, with the number
    of the due times in it, and is gone (jobs/inactive_periods.py, executions/ledger/due/inactive_periods.py)."""

    class Why(models.TextChoices):
        """Also the reason of the row."""

        PAUSED = "paused"
        ENDED = "ended"
        BROKEN = "broken"
        # Its code, which its owner may not run (jobs/code_permission.py).
        OWNER = "owner"
        # All starts, or those of its category, are held. Begun by its first due time in it.
        HELD = "held"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inactive_periods")
    why = models.CharField(max_length=6, choices=Why.choices)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    # Due times from here on are neither in the ledger nor in `segments`, which are those of earlier schedules in it.
    first = models.DateTimeField()
    segments = models.JSONField(default=list)
    # A due time at its beginning that was known before: of a schedule that nobody can read it is all that is known.
    due = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True, db_index=True)

    class Meta:
        # The name of the table is older than that of the class.
        db_table = "jobs_stretch"

    def __str__(self) -> str:
        return f"{self.job_id} {self.why} since {self.first}"
