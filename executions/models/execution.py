"""The ledger: one row for every due time and every run, with its outcome and the reason.

Every transition is a conditional UPDATE: whoever changed one row did it, everybody else did nothing. That, and three unique
keys, is what keeps the promise whatever is started twice:

- `(job, scheduled_for)`: a due time is written once, by whichever beat comes first;
- `(caused_by, job)`: the end of a run starts each job that follows once;
- `busy`: of a job whose runs must not overlap at most one runs.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, User
from executions.models.definition import VERSION, Definition, whole
from executions.models.queries import ExecutionQuerySet
from executions.models.reasons import WHY_NOT, Reason
from executions.models.states import OPEN, State, Trigger
from jobs.models import Job
from scheduler_site.lib.encrypted import EncryptedJSONField
from scheduler_site.lib.text import label_of


def _has(column: str) -> Q:
    """Of the rows that have a value there. MariaDB, which has no such indexes, makes them of all."""
    return Q(**{f"{column}__isnull": False})


class Execution(models.Model):
    """A due time of a job, or a run that somebody asked for."""

    # Names of the job's secrets that do not go with a run that has just been started (jobs/changes/secret_targets.py).
    kept_back: tuple[str, ...] = ()
    # Of a row that is not written yet: what the job tells all its runs, where `definition` is that with changes.
    common: dict[str, Any] | None = None

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The job as it was: history outlives the job, and shows what ran rather than what the job is now.
    job = models.ForeignKey(
        Job, null=True, on_delete=models.SET_NULL, related_name="executions", db_index=False
    )
    job_name = models.CharField(_("job"), max_length=200)
    job_uid = models.UUIDField()
    kind = models.CharField(_("kind"), max_length=16, choices=Job.Kind.choices)
    # Of what it is told, what it has for itself; the rest is `shared`. Rows of earlier releases have all of it here, and a run
    # that goes on the version by which it is to be read. Read it as `full_definition`.
    definition = models.JSONField(_("definition"), default=dict)
    # No constraint: that would need an index, which costs each row more than what it refers to.
    shared = models.ForeignKey(
        Definition,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    # What somebody gave for this run alone; they go before those of the job, and are gone once the run has ended.
    secrets = EncryptedJSONField(default=dict, blank=True, editable=False)
    target = models.CharField(_("target"), max_length=500, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)

    # When it was meant to be. Manual runs have no due time; `due_at` orders both.
    scheduled_for = models.DateTimeField(_("due"), null=True)
    due_at = models.DateTimeField(_("due"))
    # A row may stand for many due times in a row (a long outage): how many, and the last of them.
    slots = models.PositiveIntegerField(default=1)
    last_slot = models.DateTimeField(null=True)
    trigger = models.CharField(_("trigger"), max_length=12, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    # The run of another job after whose end this one was started (executions/ledger/downstream.py).
    # Its index is that of the unique key: each row costs one index less.
    caused_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="started", db_index=False
    )

    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices, blank=True)
    blocked_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    # Waiting: for its message, for another run, for the next attempt.
    created_at = models.DateTimeField(_("created"))
    published_at = models.DateTimeField(null=True)
    held = models.BooleanField(default=False)
    # Of those that wait for a worker the highest first; the places that it shares, and the scope of which it waits for one
    # (executions/ledger/limits/concurrency.py). The first two are those of the job when the row was written.
    priority = models.PositiveSmallIntegerField(default=5, db_default=5)
    limit_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    waits_for = models.CharField(max_length=80, blank=True, default="", db_default="")
    # Started by an administrator in spite of a hold.
    exempt = models.BooleanField(default=False, db_default=False)
    start_before = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)

    # Running: who has it, and until when that is believed without news.
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    busy = models.BigIntegerField(null=True, unique=True)
    worker = models.CharField(_("worker"), max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)

    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    duration = models.FloatField(_("duration"), null=True)
    exit_code = models.IntegerField(_("exit code"), null=True)
    response_status = models.PositiveSmallIntegerField(_("response status"), null=True)
    peak_memory = models.BigIntegerField(_("peak memory"), null=True)
    mean_memory = models.BigIntegerField(_("mean memory"), null=True)
    # User and system time of all its processes.
    cpu_seconds = models.FloatField(_("CPU time"), null=True)
    # While it is suspended: since when. Its time limit stands still meanwhile, its lease goes on.
    suspended_at = models.DateTimeField(_("suspended"), null=True)
    # How long it has been before, in seconds: nobody waits for a run while it stands still.
    suspended_seconds = models.FloatField(default=0.0, db_default=0.0)
    result = models.TextField(_("result"), blank=True)
    error = models.TextField(_("error"), blank=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        ordering = ("-due_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["job", "scheduled_for"], name="one_row_per_due_time"),
            models.UniqueConstraint(fields=["caused_by", "job"], name="one_follower_per_run"),
        ]
        # Each row pays for each of them, at every change of its state: docs/development.md says which question needs which.
        # Without the key, which SQLite and MariaDB add themselves: all is read backwards, newest first.
        indexes = [
            models.Index(fields=["job", "due_at"], name="execution_of_job"),
            models.Index(fields=["due_at"], name="execution_when"),
            models.Index(fields=["category", "due_at"], name="execution_of_category"),
            # On PostgreSQL of what has not succeeded, and of open runs (migration 0023).
            models.Index(fields=["state", "due_at"], name="execution_in_state"),
            models.Index(fields=["job", "state"], name="execution_open"),
            models.Index(
                fields=["next_attempt_at"], name="execution_retry", condition=_has("next_attempt_at")
            ),
            models.Index(
                fields=["requested_by", "due_at"], name="execution_asked", condition=_has("requested_by")
            ),
            models.Index(fields=["blocked_by"], name="execution_blocked", condition=_has("blocked_by")),
            # With the due time, which is asked for beside it (selection.within): the index alone has the answer.
            models.Index(
                fields=["started_at", "due_at"], name="execution_started", condition=_has("started_at")
            ),
        ]
        permissions = [
            ("stop_execution", _("Can stop executions")),
            ("view_system", "Can see the figures of the system"),
            ("resync_jobs", "Can compare all jobs with their stored schedules"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.due_at:%Y-%m-%d %H:%M:%S}"

    @property
    def full_definition(self) -> Any:
        """What it was told to do; of a row that was damaged by hand it may be anything."""
        told = whole(self.definition, self.shared_body, is_open=self.is_open)
        return (
            {name: value for name, value in told.items() if name != VERSION}
            if isinstance(told, dict)
            else told
        )

    @property
    def is_plain(self) -> bool:
        """Whether it was told nothing of its own."""
        return (
            bool(self.shared_id)
            and isinstance(self.definition, dict)
            and not self.definition.keys() - {VERSION}
        )

    @property
    def shared_body(self) -> Any:
        if self.shared_id is None:
            return None
        try:
            return self.shared.body if self.shared else None
        except Definition.DoesNotExist:
            # No run is left without it but by hand.
            return None

    # In place of Django's, which translates all of a field's choices for each row that it shows.
    def get_state_display(self) -> str:  # type: ignore[no-redef]
        return label_of(State, self.state)

    def get_reason_display(self) -> str:  # type: ignore[no-redef]
        return label_of(Reason, self.reason)

    def get_trigger_display(self) -> str:  # type: ignore[no-redef]
        return label_of(Trigger, self.trigger)

    @property
    def has_warning(self) -> bool:
        """It counts as a success although it ended with another exit code than 0."""
        return self.state == State.SUCCESS and bool(self.exit_code)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_stopping(self) -> bool:
        return self.state == State.RUNNING and self.stop_requested_at is not None

    @property
    def is_stretch(self) -> bool:
        """It stands for the due times in a pause or the like (ledger/due/inactive_periods.py): no run was ever made of them."""
        made = self.trigger == Trigger.SCHEDULED and self.start_before is None
        return made and self.state == State.SKIPPED and self.reason in WHY_NOT

    @property
    def is_code(self) -> bool:
        return self.kind in Job.CODE_KINDS

    @property
    def is_suspended(self) -> bool:
        return self.state == State.RUNNING and self.suspended_at is not None and not self.is_stopping

    @property
    def lateness(self) -> dt.timedelta | None:
        """How long after its due time it started."""
        return self.started_at - self.due_at if self.started_at else None


class IdempotencyKey(models.Model):
    """What a client called its request to run a job: the same request sent again starts nothing (ledger/idempotency.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    # SHA-256, in hex: of the key, and of what else the request said.
    key = models.CharField(max_length=64)
    body = models.CharField(max_length=64)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "job", "key"], name="one_run_per_key")]

    def __str__(self) -> str:
        return f"{self.execution_id} for {self.user}"
