"""Numbers of ended runs by outcome, so that statistics do not read the whole ledger."""

from __future__ import annotations

from django.db import models

from executions.models.execution import Execution


class Total(models.Model):
    """A number of ended runs that are alike. Each run is counted once in each scope (monitoring/totals_update.py)."""

    class Scope(models.TextChoices):
        # All runs of a job, whenever; of all jobs by the day (UTC) on which they started, or were due where they did not;
        # of all jobs by the quarter of an hour in which they were due, for some days.
        JOB = "job"
        DAY = "day"
        QUARTER = "quarter"

    scope = models.CharField(max_length=8, choices=Scope.choices)
    # When the day or the quarter begins; of a job none.
    at = models.DateTimeField(null=True)
    # Also when the job is gone.
    job_uid = models.UUIDField(null=True)
    category = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    trigger = models.CharField(max_length=12)
    state = models.CharField(max_length=8)
    count = models.BigIntegerField()
    # How many of them have a duration, and the sum of these in microseconds: whole numbers can be taken away again.
    timed = models.BigIntegerField()
    micros = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["scope", "at"], name="total_at"),
            models.Index(fields=["job_uid"], name="total_of_job"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.job_uid or self.at}: {self.count} {self.state}"


class Straggler(models.Model):
    """A run that had not ended when those about it were counted."""

    run = models.OneToOneField(Execution, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    def __str__(self) -> str:
        return str(self.run_id)
