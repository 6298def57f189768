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

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, User
from accounts.roles import home_category
from executions.control import Drain as Drain
from executions.control import Hold as Hold
from executions.control import Limit as Limit
from jobs.models import Job
from scheduler_site.lib.encrypted import EncryptedJSONField


class State(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCESS = "success", _("succeeded")
    FAILED = "failed", _("failed")
    TIMEOUT = "timeout", _("timed out")
    STOPPED = "stopped", _("cancelled")
    LOST = "lost", _("worker lost")
    ERROR = "error", _("could not start")
    MISSED = "missed", _("missed")
    SKIPPED = "skipped", _("skipped")


OPEN = (State.QUEUED, State.RUNNING)
FINAL = tuple(state for state in State if state not in OPEN)
# Ended badly; what a person wants to see first.
BAD = (State.FAILED, State.TIMEOUT, State.LOST, State.ERROR, State.MISSED)
# Never started: shown only where asked for by those who count runs.
NOT_RUN = (State.MISSED, State.SKIPPED)


class Trigger(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    MANUAL = "manual", _("manual")
    DEPENDENCY = "dependency", _("upstream job")


# Started by Belfry itself: a pause and the start deadline hold for these.
AUTOMATIC = (Trigger.SCHEDULED, Trigger.DEPENDENCY)


class Reason(models.TextChoices):
    """Why a due time has the outcome that it has, where the state alone does not say it."""

    NONE = "", ""
    DOWN = "down", _("Belfry was down at the time; the job's rule is to record it as missed")
    DEADLINE = "deadline", _("the start deadline passed before it could start")
    TOO_MANY = "too_many", _("more due times had passed than are made up for after an outage")
    COALESCED = "coalesced", _("several due times had passed; the latest of them was run for all")
    OVERLAP = "overlap", _("an earlier run had not ended")
    REPLACED = "replaced", _("a later run took its place")
    PAUSED = "paused", _("the job was paused")
    ENDED = "ended", _("the job's end date has passed")
    BROKEN = "broken", _("the job could not be scheduled")
    RULES = "rules", _("the rules of its time zone changed")
    HELD = "held", _("all starts were held")
    OWNER = "owner", _("the job's owner may not run code")
    DELETED = "deleted", _("the job was deleted")
    STOPPED = "stopped", _("stopped by hand")
    SHUTDOWN = "shutdown", _("its worker was shut down")
    LOST = "lost", _("its worker died or lost touch with the database")
    OVERDUE = "overdue", _("it had not ended long after its time limit")
    UNSTARTABLE = "unstartable", _("it could not be started")
    QUOTA = "quota", _("as many runs of its account or category as may go on at once, or start in a minute")
    RETRYING = "retrying", _("an attempt failed; the next one waits")


# Why a job does not follow its schedule.
WHY_NOT = (Reason.PAUSED, Reason.ENDED, Reason.BROKEN, Reason.HELD, Reason.OWNER)


def over(state: State, reason: Reason, now: dt.datetime) -> dict[str, Any]:
    """The columns of a run that has come to its end; the secrets that it was given for itself go with it."""
    return {"state": state, "reason": reason, "finished_at": now, "secrets": {}, "suspended_at": None}


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def visible_to(self, user: User) -> ExecutionQuerySet:
        if not user.has_perm("executions.view_execution"):
            return self.none()
        home = home_category(user)
        return self.all() if home is None else self.filter(category_id=home)

    def changeable_by(self, user: User) -> ExecutionQuerySet:
        """Whose runs may be stopped: those of the jobs that the user may change."""
        if not user.has_perm("executions.stop_execution"):
            return self.none()
        if user.has_perm("jobs.change_all_jobs"):
            return self.all()
        return self.visible_to(user).filter(job__in=Job.objects.changeable_by(user))

    def open(self) -> ExecutionQuerySet:
        return self.filter(state__in=OPEN)

    def running(self) -> ExecutionQuerySet:
        return self.filter(state=State.RUNNING)

    def startable(self, now: dt.datetime) -> ExecutionQuerySet:
        """Queued, not held back behind another run or by a hold, and waiting neither for a place nor for its next attempt."""
        queued = self.filter(state=State.QUEUED, held=False, waits_for="").free()
        return queued.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))

    def free(self) -> ExecutionQuerySet:
        """Those whose starts nobody holds, or that an administrator started all the same."""
        return self.filter(Q(exempt=True) | ~Exists(Hold.objects.covering(OuterRef("category_id"))))

    def locked(self, *, skip: bool = False, most: int | None = None) -> list[int]:
        """The keys of these rows, which are locked until the transaction ends (not on SQLite, which has one writer).

        Whoever changes many rows in one statement locks them first, all in the same order: otherwise two of them
        could each wait for the other. `skip` leaves out what somebody else has locked.
        """
        return list(self.locking(skip).values_list("pk", flat=True)[:most])

    def locked_attempts(self, *, skip: bool = False) -> set[tuple[int, int]]:
        """Locks these rows likewise; the key of each and its attempt."""
        return set(self.locking(skip).values_list("pk", "attempt"))

    def locking(self, skip: bool = False) -> ExecutionQuerySet:
        """These rows, which are locked likewise when they are read."""
        features, rows = connection.features, self.order_by("pk")
        if not features.has_select_for_update:
            return rows
        return rows.select_for_update(skip_locked=skip and features.has_select_for_update_skip_locked)

    def oldest_queued(self) -> dt.datetime | None:
        """When the run that has waited longest for a worker was due; what waits on purpose does not count."""
        waiting = self.filter(state=State.QUEUED, held=False, waits_for="", next_attempt_at=None).free()
        return waiting.order_by("due_at").values_list("due_at", flat=True).first()

    def runs(self) -> ExecutionQuerySet:
        """What ran or is to run: without the due times that were missed or skipped."""
        return self.exclude(state__in=NOT_RUN)


class Execution(models.Model):
    """A due time of a job, or a run that somebody asked for."""

    # Names of the job's secrets that do not go with a run that has just been started (jobs/origins.py).
    kept_back: tuple[str, ...] = ()

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The job as it was: history outlives the job, and shows what ran rather than what the job is now.
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="executions")
    job_name = models.CharField(_("job"), max_length=200)
    job_uid = models.UUIDField()
    kind = models.CharField(_("kind"), max_length=16, choices=Job.Kind.choices)
    definition = models.JSONField(_("definition"), default=dict)
    # What somebody gave for this run alone; they go before those of the job, and are gone once the run has ended.
    secrets = EncryptedJSONField(default=dict, blank=True, editable=False)
    target = models.CharField(_("target"), max_length=500, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")

    # When it was meant to be. Manual runs have no due time; `due_at` orders both.
    scheduled_for = models.DateTimeField(_("due"), null=True)
    due_at = models.DateTimeField(_("due"))
    # A row may stand for many due times in a row (a long outage): how many, and the last of them.
    slots = models.PositiveIntegerField(default=1)
    last_slot = models.DateTimeField(null=True)
    trigger = models.CharField(_("trigger"), max_length=12, choices=Trigger.choices)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # The run of another job after whose end this one was started (executions/ledger/followers.py).
    # Its index is that of the unique key: each row costs one index less.
    caused_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="started", db_index=False
    )

    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices, blank=True)
    blocked_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")

    # Waiting: for its message, for another run, for the next attempt.
    created_at = models.DateTimeField(_("created"))
    published_at = models.DateTimeField(null=True)
    held = models.BooleanField(default=False)
    # Of those that wait for a worker the highest first; the places that it shares, and the scope of which it waits for one
    # (executions/ledger/places.py). The first two are those of the job when the row was written.
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
        indexes = [
            models.Index(fields=["job", "-due_at", "-id"], name="execution_job"),
            models.Index(fields=["state", "-due_at", "-id"], name="execution_state"),
            models.Index(fields=["-due_at", "-id"], name="execution_due"),
            models.Index(fields=["job", "state"], name="execution_job_state"),
            models.Index(fields=["category", "-due_at"], name="execution_category"),
            models.Index(fields=["next_attempt_at"], name="execution_next_attempt"),
            # With the due time, which is asked for beside it (selection.within): the index alone has the answer.
            models.Index(fields=["started_at", "due_at"], name="execution_started_due"),
        ]
        permissions = [
            ("stop_execution", _("Can stop executions")),
            ("view_system", "Can see the figures of the system"),
            ("resync_jobs", "Can compare all jobs with their stored schedules"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.due_at:%Y-%m-%d %H:%M:%S}"

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
        """It stands for the due times in a pause or the like (executions/ledger/stretches.py): no run was ever made of them."""
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
    """What somebody called a request to run a job, so that the same request sent again starts nothing (see once.py)."""

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


class LogChunk(models.Model):
    """A piece of what a run wrote; appended while it runs, never rewritten."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log")
    attempt = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    text = models.TextField()

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
