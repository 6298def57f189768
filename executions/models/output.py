"""The log, the measurements and the artifacts of a run."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from executions.models.execution import Execution


class LogChunk(models.Model):
    """A piece of what a run wrote; appended while it runs, never rewritten."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log")
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    text = models.TextField()
    # Its line ends and its characters, so that a long log is counted without being read; null in pieces of older releases.
    ends = models.PositiveIntegerField(null=True)
    size = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=["execution", "id"], name="log_execution")]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.pk}"


class Measurement(models.Model):
    """Memory and CPU of an attempt over its time, as few points as a picture needs."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="measurements")
    attempt = models.PositiveSmallIntegerField()
    # [seconds since its start, bytes of memory, seconds of CPU time so far], oldest first.
    points = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "attempt"], name="one_measurement_per_attempt")
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.attempt}"


class Artifact(models.Model):
    """A file that a run left in BELFRY_ARTIFACTS; kept below ARTIFACTS_DIR as long as the run."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="artifacts")
    attempt = models.PositiveSmallIntegerField()
    # Its path below the folder, as the run named it, with `/` between folders.
    name = models.CharField(_("name"), max_length=500)
    size = models.BigIntegerField(_("size"))

    class Meta:
        ordering = ("attempt", "name")
        indexes = [models.Index(fields=["execution", "attempt"], name="artifact_execution")]

    def __str__(self) -> str:
        return self.name
