"""One problem of a job, or of a part of the system, from its opening to its end.

Jobs and runs live in apps above this one: their ids and names are kept as text. What decides who sees an incident (category,
team, owner) is kept here as well, and follows the job (incidents/lifecycle.py: `follow`).
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Category, Team, User
from accounts.roles import home_category
from notifications.models import LONGEST_NAME
from scheduler_site.lib.text import label_of

LONGEST_ERROR = 300


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: User) -> IncidentQuerySet:
        """As the jobs are: all, or those of the user's category. Those of the system are for who may see the system."""
        if not user.has_perm("incidents.view_incident"):
            return self.none()
        home = home_category(user)
        mine = self if home is None else self.filter(category_id=home)
        return mine if user.has_perm("executions.view_system") else mine.exclude(job_uid=None)

    def changeable_by(self, user: User) -> IncidentQuerySet:
        """Whose job one may change: who may mute it."""
        visible = self.visible_to(user)
        if not user.has_perm("incidents.handle_incident"):
            return self.none()
        if user.edit_scope == User.EditScope.OWN and not user.has_perm("jobs.change_all_jobs"):
            return visible.filter(owner=user)
        return visible

    def open(self) -> IncidentQuerySet:
        """All that are not closed, acknowledged and snoozed ones too."""
        return self.filter(open_key__isnull=False)

    def concerning(self, user: User) -> IncidentQuerySet:
        """Of my jobs and teams, and assigned to me; for who may change all jobs also those of nobody and of the system."""
        mine = Q(owner=user) | Q(assignee=user) | Q(team__in=Team.objects.filter(members=user))
        if user.has_perm("jobs.change_all_jobs"):
            mine |= Q(owner=None, team=None)
        return self.filter(mine)


class Incident(models.Model):
    """`open_key` is what makes it the only open one of its subject and kind: unique, and null once it is closed."""

    class Kind(models.TextChoices):
        FAILING = "failing", _("failing")
        COULD_NOT_START = "could_not_start", _("could not start")
        LOST = "lost", _("worker lost")
        MISSED = "missed", _("missed")
        LATE = "late", _("late")
        OVERRUN = "overrun", _("exceeded expected duration")
        BLOCKED = "blocked", _("due times skipped")
        SLOW = "slow", _("took longer than usual")
        QUICK = "quick", _("took less time than usual")
        MEMORY = "memory", _("used more memory than usual")
        SYSTEM = "system", _("not responding")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("incident", "open")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        SNOOZED = "snoozed", _("snoozed")
        CLOSED = "closed", pgettext_lazy("incident", "closed")

    class Ending(models.TextChoices):
        RECOVERED = "recovered", _("recovered")
        BY_HAND = "by_hand", _("closed by hand")
        UNWATCHED = "unwatched", _("no longer watched")
        JOB_DELETED = "job_deleted", _("job deleted")

    # The kinds that a run ends, when it ends well.
    OF_RUNS = (Kind.FAILING, Kind.COULD_NOT_START, Kind.LOST)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    # A job's uid, or the name of a part of the system.
    subject = models.CharField(max_length=64)
    # Null and no empty text: of these there are many.
    open_key = models.CharField(max_length=96, unique=True, null=True, editable=False)  # noqa: DJ001
    # Of an open one of a job: what a claim of its next run asks for.
    open_job = models.UUIDField(null=True, db_index=True, editable=False)

    job_uid = models.UUIDField(null=True)
    job_name = models.CharField(_("job"), max_length=LONGEST_NAME, blank=True)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner = models.ForeignKey(
        User, verbose_name=_("owner"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    # How often it happened, and in which runs.
    count = models.PositiveIntegerField(_("times"), default=1)
    first_run = models.UUIDField(null=True)
    last_run = models.UUIDField(null=True)
    # The first line of the newest one, without secrets.
    error = models.CharField(_("error"), max_length=LONGEST_ERROR, blank=True)
    since = models.DateTimeField(_("since"))
    opened_at = models.DateTimeField(_("opened"))
    last_at = models.DateTimeField(_("last"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    ending = models.CharField(max_length=12, choices=Ending.choices, blank=True, default="")
    # It came and went so often that its end is told only once it stays away.
    flapping = models.BooleanField(_("flapping"), default=False)

    acknowledged_by = models.ForeignKey(
        User, verbose_name=_("acknowledged by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    assignee = models.ForeignKey(
        User, verbose_name=_("assignee"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True)

    # When people were told that it is open, who, and of what since (incidents/notify.py, incidents/escalation_times.py).
    announced_at = models.DateTimeField(null=True)
    audience = models.JSONField(default=dict)
    # Part of a summary: its end is not told by itself.
    quiet = models.BooleanField(default=False)
    reminded = models.JSONField(default=dict)
    escalated = models.JSONField(default=list)
    # When there is something to do about it by itself: a reminder, an escalation, the end of a snooze.
    next_step_at = models.DateTimeField(null=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-opened_at", "-id")
        permissions = [("handle_incident", "Can acknowledge, assign, snooze, comment on and close incidents")]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="incident_opened"),
            models.Index(fields=["subject", "kind", "-opened_at"], name="incident_subject"),
            models.Index(fields=["job_uid", "-opened_at"], name="incident_job"),
            models.Index(fields=["next_step_at"], name="incident_next_step"),
            models.Index(fields=["closed_at"], name="incident_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}"

    # In place of Django's, which translates all of a field's choices for each row that it shows.
    def get_kind_display(self) -> str:  # type: ignore[no-redef]
        return label_of(Incident.Kind, self.kind)

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        return label_of(Incident.State, self.state)

    @property
    def name(self) -> str:
        """The job's name, or that of the part of the system."""
        return self.job_name or self.subject

    @property
    def is_open(self) -> bool:
        return self.open_key is not None

    def lasted(self, now: dt.datetime) -> dt.timedelta:
        """From its opening to its end, or until now."""
        return max((self.closed_at or now) - self.opened_at, dt.timedelta())


# The columns of one that is over.
CLOSED: dict[str, Any] = {
    "state": Incident.State.CLOSED,
    "open_key": None,
    "open_job": None,
    "next_step_at": None,
    "snoozed_until": None,
}


class TimelineEntry(models.Model):
    """What happened to an incident between its opening and its end, which are in its own row."""

    class What(models.TextChoices):
        REMINDED = "reminded", _("Reminder sent")
        ESCALATED = "escalated", _("Escalated")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        ASSIGNED = "assigned", _("Assigned")
        SNOOZED = "snoozed", _("Snoozed")
        SNOOZE_ENDED = "snooze_ended", _("Snooze over")
        MUTED = "muted", _("Job muted")
        UNMUTED = "unmuted", _("Job unmuted")
        COMMENT = "comment", _("Comment")
        CLOSED = "closed", _("Closed")

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    what = models.CharField(max_length=12, choices=What.choices)
    # Who; nobody where it happened by itself.
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    # A comment, an assignee, until when, to whom.
    text = models.TextField(blank=True)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.what} {self.incident_id}"

    @property
    def until(self) -> dt.datetime | None:
        """Of a snooze and a mute: until when."""
        if self.what not in (self.What.SNOOZED, self.What.MUTED) or not self.text:
            return None
        return dt.datetime.fromisoformat(self.text)
