"""A verb for many jobs: what was previewed, and what became of each job."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class BulkActionQuerySet(models.QuerySet["BulkAction"]):
    def visible_to(self, user: User) -> BulkActionQuerySet:
        """One's own: what another asked for may name jobs that one may not see."""
        return self.filter(by=user)

    def waiting(self, now: dt.datetime) -> BulkActionQuerySet:
        """Those that go on, with nobody at work on them."""
        running = self.filter(state=BulkAction.State.RUNNING)
        return running.filter(Q(busy_until=None) | Q(busy_until__lt=now))


class BulkAction(models.Model):
    """The keys of the jobs are those that the preview showed; `done` of them, in their order, have a result."""

    class Verb(models.TextChoices):
        RUN = "run", _("Run")
        PAUSE = "pause", _("Pause")
        RESUME = "resume", _("Resume")
        OWNER = "owner", _("Change owner")
        TEAM = "team", _("Change team")
        CATEGORY = "category", _("Change category")
        DELETE = "delete", _("Delete")

    class State(models.TextChoices):
        PLANNED = "planned", _("preview")
        RUNNING = "running", _("in progress")
        DONE = "done", _("finished")
        STOPPED = "stopped", _("cancelled")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    verb = models.CharField(max_length=8, choices=Verb.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    # Checked, as executions/bulk/commands.py writes them.
    options = models.JSONField(default=dict)
    # What was searched for, where all that match are meant.
    query = models.CharField(max_length=400, blank=True)
    keys = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    surface = models.CharField(max_length=16)
    address = models.GenericIPAddressField(null=True)
    operator = models.CharField(max_length=150, blank=True)
    language = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField(db_index=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Somebody is at work on it; after that moment somebody else may go on.
    busy_until = models.DateTimeField(null=True)

    objects = BulkActionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "busy_until"], name="bulk_action_state")]

    def __str__(self) -> str:
        return f"{self.verb} {self.total}"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.STOPPED)


class BulkResult(models.Model):
    """What became of one job. Written in the transaction of the verb: a job without one has not been touched."""

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        UNCHANGED = "unchanged", _("nothing to change")
        REFUSED = "refused", _("refused")
        GONE = "gone", _("no longer there")
        ERROR = "error", _("error")

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="results")
    place = models.PositiveIntegerField()
    job_uid = models.UUIDField(null=True)
    job_name = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "place"], name="one_result_per_place")]

    def __str__(self) -> str:
        return f"{self.job_name}: {self.outcome}"
