"""Which job runs after which (jobs/changes/dependencies.py), and the row that is locked to change it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.job import Job


class Dependency(models.Model):
    """`job` runs after a run of `after` has ended as `on` says. Each of several is a reason of its own: any of them fires."""

    class On(models.TextChoices):
        """Failure: failed, timeout, lost, error. Finish: all of these, success, and stopped by hand."""

        SUCCESS = "success", _("succeeded")
        FAILURE = "failure", _("failed")
        FINISH = "finish", _("finished (any result)")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="dependencies")
    after = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="followers")
    on = models.CharField(_("on"), max_length=7, choices=On.choices, default=On.SUCCESS)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["job", "after"], name="one_dependency_per_pair")]

    def __str__(self) -> str:
        return f"{self.job} after {self.after}: {self.on}"


class NamedLock(models.Model):
    """A row to lock for what only one may do at a time, and no other row stands for."""

    name = models.CharField(max_length=32, unique=True)

    class Meta:
        # The name of the table is older than that of the class.
        db_table = "jobs_mutex"

    def __str__(self) -> str:
        return self.name
