"""What runs: jobs and their pauses. When it runs is kept in django-celery-beat's tables (`jobs/timetable.py`)."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, Team, User
from audit.models import Stamped
from environments.models import Environment
from jobs import timetable
from scheduler_site.lib import clock
from scheduler_site.lib.encrypted import EncryptedJSONField

DAY = 86400
# The option of a script job that holds its text.
SCRIPT_OPTION = "script"
LONGEST_DESCRIPTION = 2000


def within(low: int, high: int) -> list[MinValueValidator | MaxValueValidator]:
    """Bounds of a number of seconds or times; the databases have different ones or none."""
    return [MinValueValidator(low), MaxValueValidator(high)]


def today() -> dt.date:
    """The date in the scheduler's zone, in which end dates are meant."""
    return clock.now().astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE)).date()


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> JobQuerySet:
        """All jobs, or those of the user's category when it has one."""
        if not user.has_perm("jobs.view_job"):
            return self.none()
        if user.category_id is None or user.is_admin:
            return self.all()
        return self.filter(category_id=user.category_id)

    def changeable_by(self, user: User) -> JobQuerySet:
        """All for administrators; for others their own, and with the scope `category` all that they see."""
        if not user.has_perm("jobs.change_job"):
            return self.none()
        visible = self.visible_to(user)
        if not user.is_admin and user.edit_scope == User.EditScope.OWN:
            visible = visible.filter(owner=user)
        return visible if user.has_perm("jobs.run_code") else visible.exclude(kind__in=Job.CODE_KINDS)

    def enabled(self) -> JobQuerySet:
        return self.filter(Q(periodic_task__isnull=True) | Q(periodic_task__enabled=True))

    def paused(self) -> JobQuerySet:
        return self.filter(periodic_task__enabled=False)

    def due(self, now: dt.datetime) -> JobQuerySet:
        return self.filter(next_run_at__lte=now)

    def expired(self, date: dt.date) -> JobQuerySet:
        """Past their end date, which is their last day."""
        return self.filter(end_date__lt=date, periodic_task__enabled=True)


class Job(Stamped):
    """Something to run, and the rules for running it."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        GITHUB_ACTIONS = "github_actions", _("GitHub Actions workflow")
        PYTHON_CLASS = "python_class", _("Python class")
        SCRIPT = "script", _("Python script")

    class CatchUp(models.TextChoices):
        """What becomes of due times that passed while Belfry was down."""

        SKIP = "skip", _("record them as missed")
        LAST = "last", _("run once, for the latest")
        ALL = "all", _("run each, in order")

    class Overlap(models.TextChoices):
        """What becomes of a due time while an earlier run goes on."""

        SKIP = "skip", _("skip it")
        QUEUE = "queue", _("wait for the earlier run")
        REPLACE = "replace", _("stop the earlier run")
        ALLOW = "allow", _("run side by side")

    # Kinds that run somebody's code on this server.
    CODE_KINDS = (Kind.PYTHON_CLASS, Kind.SCRIPT)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    # What it is for, in words for people; several lines.
    description = models.CharField(
        _("description"), max_length=LONGEST_DESCRIPTION, blank=True, default="", db_default=""
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    options = models.JSONField(_("options"), default=dict)
    secrets = EncryptedJSONField(_("secrets"), default=dict, blank=True, editable=False)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    # Of scripts. By its public id: a run's definition names it without asking the database.
    environment = models.ForeignKey(
        Environment,
        verbose_name=_("environment"),
        to_field="uid",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="jobs",
    )
    category = models.ForeignKey(
        Category, verbose_name=_("category"), on_delete=models.PROTECT, related_name="jobs"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    owner = models.ForeignKey(
        User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    end_date = models.DateField(_("end date"), null=True, blank=True, help_text=_("The last day it runs."))

    # When: the schedule itself lives in the periodic task; `next_run_at` is what the tick reads.
    periodic_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="job",
    )
    day_rule = models.CharField(max_length=6, default="either", editable=False)
    # What another dialect's client wrote: its words for the schedule, and the name it gave (compat/ndscheduler).
    # Counts as long as the job is what was made of it.
    spelling = models.JSONField(default=dict, blank=True, editable=False)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False)
    # Due times of earlier schedules that are not in the ledger yet (see jobs/verbs.py).
    unsettled = models.JSONField(default=list, blank=True, editable=False)
    broken = models.TextField(
        _("broken"), blank=True, editable=False, help_text=_("Why it cannot be scheduled.")
    )

    catch_up = models.CharField(
        _("after an outage"), max_length=4, choices=CatchUp.choices, default=CatchUp.LAST
    )
    start_deadline = models.PositiveIntegerField(
        _("start deadline"),
        default=3600,
        validators=within(1, 366 * DAY),
        help_text=_("Seconds after its due time at which a run is missed."),
    )
    overlap = models.CharField(_("overlap"), max_length=7, choices=Overlap.choices, default=Overlap.SKIP)
    timeout = models.PositiveIntegerField(
        _("time limit"), null=True, blank=True, validators=within(1, 7 * DAY), help_text=_("In seconds.")
    )
    stop_grace = models.PositiveIntegerField(
        _("grace when stopped"),
        default=10,
        validators=within(0, 600),
        help_text=_("Seconds between TERM and KILL."),
    )
    max_attempts = models.PositiveSmallIntegerField(_("attempts"), default=1, validators=within(1, 100))
    retry_delay = models.PositiveIntegerField(
        _("retry delay"),
        default=30,
        validators=within(1, DAY),
        help_text=_("Seconds before the second attempt; doubles each time."),
    )
    retry_cap = models.PositiveIntegerField(
        _("longest retry delay"), default=3600, validators=within(1, 7 * DAY)
    )
    rerun_lost = models.BooleanField(
        _("repeat lost runs"), default=False, help_text=_("Only where running twice does no harm.")
    )

    # The two clocks: alerts only, they end nothing.
    start_by = models.PositiveIntegerField(
        _("start by"),
        null=True,
        blank=True,
        validators=within(1, 366 * DAY),
        help_text=_("Seconds after its due time at which a run that has not started is late."),
    )
    finish_by = models.PositiveIntegerField(
        _("finish by"),
        null=True,
        blank=True,
        validators=within(1, 366 * DAY),
        help_text=_("Seconds after its start at which a run takes longer than expected."),
    )

    # What is usual for it is learned from its last good runs; alerts only, too.
    baseline_duration = models.BooleanField(
        _("unusual duration"),
        default=False,
        db_default=False,
        help_text=_("Alert when a run takes much longer or much less time than usual."),
    )
    baseline_memory = models.BooleanField(
        _("unusual memory"),
        default=False,
        db_default=False,
        help_text=_("Alert when a run uses much more memory than usual."),
    )

    enable_email_notifications = models.BooleanField(default=False)
    notification_emails = models.JSONField(default=list, blank=True)
    notify_on_success = models.BooleanField(default=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("name",)
        indexes = [
            models.Index(fields=["next_run_at"], name="job_next_run"),
            models.Index(fields=["category", "name"], name="job_category_name"),
        ]
        permissions = [("run_job", _("Can run jobs")), ("run_code", _("Can run code on the server"))]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def timing(self) -> timetable.Timing:
        """Its schedule as stored; lists load many at once with `timetable.attach`."""
        return timetable.read([self])[self.pk]

    @property
    def is_active(self) -> bool:
        return self.timing.enabled

    @property
    def is_code(self) -> bool:
        return self.kind in self.CODE_KINDS

    @property
    def has_ended(self) -> bool:
        return self.end_date is not None and self.end_date < today()

    @property
    def current_pause(self) -> Pause | None:
        return self.pauses.filter(ended_at=None).order_by("-id").first()

    def definition(self) -> dict[str, Any]:
        """What a run needs to know, and what is shown of it later: kept with each run, without secrets."""
        script = {"environment": self.environment_id.hex} if self.environment_id else {}
        baselines = [name for name in ("duration", "memory") if getattr(self, f"baseline_{name}")]
        return script | {
            "kind": self.kind,
            "options": by_digest(self.options) if self.kind == self.Kind.SCRIPT else self.options,
            "metadata": self.metadata,
            "timeout": self.timeout,
            "stop_grace": self.stop_grace,
            "overlap": self.overlap,
            "catch_up": self.catch_up,
            "max_attempts": self.max_attempts,
            "retry_delay": self.retry_delay,
            "retry_cap": self.retry_cap,
            "rerun_lost": self.rerun_lost,
            "start_by": self.start_by,
            "finish_by": self.finish_by,
            "alerts": {
                "emails": self.notification_emails if self.enable_email_notifications else [],
                "on_success": self.enable_email_notifications and self.notify_on_success,
                **({"baselines": baselines} if baselines else {}),
            },
        }


class Script(models.Model):
    """The text of a script. Definitions of runs name it by its digest, so that a text is kept once, however often it runs."""

    # SHA-256 of the text in UTF-8, in hex.
    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.digest

    @classmethod
    def keep(cls, options: Mapping[str, Any]) -> None:
        """Makes sure that the text in a script's options can be found by its digest. To be called in a transaction."""
        text = options.get(SCRIPT_OPTION)
        if not isinstance(text, str):
            return
        digest = digest_of(text)
        # Locked until whoever names it is written as well: `prune` takes away what nobody names.
        if not cls.objects.select_for_update().filter(digest=digest).values_list("pk").first():
            cls.objects.get_or_create(digest=digest, defaults={"text": text})

    @classmethod
    def texts(cls, definitions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """The texts that these definitions name, by digest; one query, none when no script is among them."""
        found = {name for definition in definitions if (name := named_digest(definition["options"]))}
        return dict(cls.objects.filter(digest__in=found).values_list("digest", "text")) if found else {}


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_digest(options: dict[str, Any]) -> dict[str, Any]:
    """The options with `{"sha256": digest}` in the place of a script's text."""
    text = options.get(SCRIPT_OPTION)
    return options | {SCRIPT_OPTION: {"sha256": digest_of(text)}} if isinstance(text, str) else options


def with_text(options: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """The options with the script's text in the place of its digest, where it is among `texts`."""
    text = texts.get(named_digest(options))
    return options if text is None else options | {SCRIPT_OPTION: text}


def named_digest(options: Mapping[str, Any]) -> str:
    """The digest that `by_digest` put there, or nothing."""
    script = options.get(SCRIPT_OPTION)
    return str(script.get("sha256", "")) if isinstance(script, dict) else ""


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


class Stretch(models.Model):
    """A time in which a job does not follow its schedule. Once it is over it becomes one row of the ledger, with the number
    of the due times in it, and is gone (jobs/stretches.py, executions/ledger/stretches.py)."""

    class Why(models.TextChoices):
        """Also the reason of the row."""

        PAUSED = "paused"
        ENDED = "ended"
        BROKEN = "broken"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="stretches")
    why = models.CharField(max_length=6, choices=Why.choices)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    # Due times from here on are neither in the ledger nor in `segments`, which are those of earlier schedules in it.
    first = models.DateTimeField()
    segments = models.JSONField(default=list)
    # A due time at its beginning that was known before: of a schedule that nobody can read it is all that is known.
    due = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.job_id} {self.why} since {self.first}"


class Dependency(models.Model):
    """`job` runs after a run of `after` has ended as `on` says. Each of several is a reason of its own: any of them fires."""

    class On(models.TextChoices):
        """Failure: failed, timeout, lost, error. Finish: all of these, success, and stopped by hand."""

        SUCCESS = "success", _("succeeded")
        FAILURE = "failure", _("failed")
        FINISH = "finish", _("ended, however")

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="dependencies")
    after = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="followers")
    on = models.CharField(_("on"), max_length=7, choices=On.choices, default=On.SUCCESS)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["job", "after"], name="one_dependency_per_pair")]

    def __str__(self) -> str:
        return f"{self.job} after {self.after}: {self.on}"


class Mutex(models.Model):
    """A row to lock for what only one may do at a time, and no other row stands for."""

    name = models.CharField(max_length=32, unique=True)

    def __str__(self) -> str:
        return self.name
