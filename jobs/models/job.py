"""A job. Its schedule is stored in django-celery-beat's tables (`stored_schedule.py`)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, Team, User
from audit.models import Stamped
from environments.models import Environment
from jobs.models import choices, stored_schedule
from jobs.models.fields import FIELDS
from jobs.models.queries import JobManager
from jobs.models.scripts import by_digest
from notifications.delivery.destinations import validate
from scheduler_site.lib import clock
from scheduler_site.lib.encrypted import EncryptedJSONField

if TYPE_CHECKING:
    from jobs.models.dependencies import Dependency
    from jobs.models.pauses import Pause

DAY = 86400
LONGEST_DESCRIPTION = 2000
PRIORITY = 5


def today() -> dt.date:
    """The date in the scheduler's zone, in which end dates are meant."""
    return clock.now().astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE)).date()


def within(low: int, high: int) -> list[MinValueValidator | MaxValueValidator]:
    """Bounds of a number of seconds or times; the databases have different ones or none."""
    return [MinValueValidator(low), MaxValueValidator(high)]


class Job(Stamped):
    """Something to run, and the rules for running it."""

    Kind = choices.Kind
    CODE_KINDS = choices.CODE_KINDS
    CatchUp = choices.CatchUp
    Overlap = choices.Overlap
    Suspension = choices.Suspension

    # Names of the secrets that a change has just taken away (jobs/changes/secret_targets.py); of no stored job.
    dropped_secrets: tuple[str, ...] = ()

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    # What it is for, in words for people; several lines.
    description = models.CharField(
        _("description"), max_length=LONGEST_DESCRIPTION, blank=True, default="", db_default=""
    )
    kind = models.CharField(_("kind"), max_length=16, choices=choices.Kind.choices)
    options = models.JSONField(_("options"), default=dict)
    secrets = EncryptedJSONField(_("secrets"), default=dict, blank=True, editable=False)
    # Who set all of them, if one person did: nobody else can change a script and keep them (jobs/changes/secret_targets.py).
    secrets_by = models.ForeignKey(
        User, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    metadata = models.JSONField(_("parameters"), default=dict, blank=True)
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
    # Made by a command on the server, for nobody: such code needs no owner.
    by_installation = models.BooleanField(default=False, db_default=False, editable=False)
    end_date = models.DateField(
        _("ends on"), null=True, blank=True, help_text=_("The last day on which it runs.")
    )

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
    # The zone in which the time of a one-time job was given; empty for the scheduler's.
    at_zone = models.CharField(max_length=64, default="", db_default="", blank=True, editable=False)
    # The schedule and the name as a client of an inherited API wrote them (compat/). They are shown to such clients as long as
    # the job is what was made of them.
    client_form = models.JSONField(default=dict, blank=True, editable=False, db_column="spelling")
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False)
    # By which rules of its time zone that was worked out (jobs/zones.py); 0 where it does not matter or is not known.
    zone_rules = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    # Earlier schedules with due times that are not in the ledger yet (jobs/next_run.py).
    pending_segments = models.JSONField(default=list, blank=True, editable=False, db_column="unsettled")
    quarantine_reason = models.TextField(
        _("invalid schedule"),
        blank=True,
        editable=False,
        db_column="broken",
        help_text=_("Why the schedule is invalid."),
    )
    code_suspended = models.CharField(
        max_length=10, choices=Suspension.choices, default="", db_default="", blank=True, editable=False
    )

    catch_up = models.CharField(_("missed runs"), max_length=4, choices=CatchUp.choices, default=CatchUp.LAST)
    start_deadline = models.PositiveIntegerField(
        _("start deadline"),
        default=3600,
        validators=within(1, 366 * DAY),
        help_text=_(
            "In seconds after the due time. A run that has not started by then is recorded as missed."
        ),
    )
    overlap = models.CharField(_("overlap"), max_length=7, choices=Overlap.choices, default=Overlap.SKIP)
    timeout = models.PositiveIntegerField(
        _("timeout"), null=True, blank=True, validators=within(1, 7 * DAY), help_text=_("In seconds.")
    )
    stop_grace = models.PositiveIntegerField(
        _("termination grace period"),
        default=10,
        validators=within(0, 600),
        help_text=_("Seconds between SIGTERM and SIGKILL."),
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
        _("re-run if the worker dies"),
        default=False,
        help_text=_("Use only if the job can safely run twice."),
    )

    # Who waits for whom (executions/ledger/limits/concurrency.py).
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=PRIORITY,
        db_default=PRIORITY,
        validators=within(0, 9),
        help_text=_("Of the runs that wait, those of 9 start first and those of 0 last."),
    )
    max_running = models.PositiveSmallIntegerField(
        _("at most at once"),
        null=True,
        blank=True,
        validators=within(1, 1000),
        help_text=_("Runs of this job, where they may run side by side."),
    )
    limit_key = models.CharField(
        _("limit key"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[
            RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", _("Write letters, digits, dots, - and _."))
        ],
        help_text=_("Jobs with the same key share its places: one, unless an administrator gives it more."),
    )

    # The two clocks: alerts only, they end nothing.
    start_by = models.PositiveIntegerField(
        _("late after"),
        null=True,
        blank=True,
        validators=within(1, 366 * DAY),
        help_text=_("In seconds after the due time. A run that has not started by then is reported as late."),
    )
    finish_by = models.PositiveIntegerField(
        _("expected duration"),
        null=True,
        blank=True,
        validators=within(1, 366 * DAY),
        help_text=_("In seconds. A run that takes longer is reported."),
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

    # When its failures are an incident, and when that is over.
    open_after_failures = models.PositiveSmallIntegerField(
        _("incident after failures"),
        default=1,
        db_default=1,
        validators=within(1, 100),
        help_text=_("So many failed runs in a row open an incident."),
    )
    close_after_successes = models.PositiveSmallIntegerField(
        _("recovered after successes"),
        default=1,
        db_default=1,
        validators=within(1, 100),
        help_text=_("So many successful runs in a row close it."),
    )
    tell_each_run = models.BooleanField(
        _("alert on each failed run"),
        default=False,
        db_default=False,
        help_text=_("Besides the messages when an incident opens and when it has recovered."),
    )

    # Which services hear of it (notifications/delivery/destinations.py).
    destinations = models.CharField(
        _("destinations"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[validate],
        help_text=_(
            "Names of services that are told, such as ops-discord; empty: its team's, else the default ones."
        ),
    )

    enable_email_notifications = models.BooleanField(_("Enable email notifications"), default=False)
    notification_emails = models.JSONField(_("E-mail addresses"), default=list, blank=True)
    notify_on_success = models.BooleanField(_("Notify on success"), default=False)

    # It is hidden, and goes when its runs are without it (jobs/changes/removal.py).
    deleted_at = models.DateTimeField(null=True, editable=False, db_index=True)

    objects = JobManager()
    everything: models.Manager[Job] = models.Manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("name",)
        indexes = [
            models.Index(fields=["next_run_at"], name="job_next_run"),
            models.Index(fields=["category", "name"], name="job_category_name"),
        ]
        permissions = [
            ("run_job", _("Can run jobs")),
            ("run_code", _("Can run code on the server")),
            ("view_all_jobs", "Can see jobs and runs of all categories"),
            ("change_all_jobs", "Can change jobs of all owners"),
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def timing(self) -> stored_schedule.Timing:
        """Its schedule as stored; lists load many at once with `stored_schedule.attach`."""
        return stored_schedule.read([self])[self.pk]

    @cached_property
    def edges(self) -> list[Dependency]:
        """What it runs after, in the order in which that was said."""
        return list(self.dependencies.select_related("after").only("job", "on", "after__uid", "after__name"))

    @property
    def edges_by_name(self) -> list[Dependency]:
        """The same in the order in which people read them."""
        return sorted(self.edges, key=lambda edge: edge.after.name)

    def forget_edges(self) -> None:
        """They have changed."""
        self.__dict__.pop("edges", None)

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
    def will_not_run_again(self) -> bool:
        """Whether its schedule is in force and has no due time left, because of its end date or because it ran once."""
        return (
            self.timing.kind != "none"
            and self.timing.enabled
            and not self.quarantine_reason
            and not self.code_suspended
            and self.next_run_at is None
        )

    @property
    def current_pause(self) -> Pause | None:
        return self.pauses.filter(ended_at=None).order_by("-id").first()

    def definition(self) -> dict[str, Any]:
        """What a run needs to know, and what is shown of it later: kept with each run, without secrets."""
        script = {"environment": self.environment_id.hex} if self.environment_id else {}
        baselines = [name for name in ("duration", "memory") if getattr(self, f"baseline_{name}")]
        told = {field.name: getattr(self, field.name) for field in FIELDS if field.in_runs}
        if self.kind == self.Kind.SCRIPT:
            told["options"] = by_digest(self.options)
        return (
            script
            | told
            | {
                "alerts": {
                    "emails": self.notification_emails if self.enable_email_notifications else [],
                    "on_success": self.enable_email_notifications and self.notify_on_success,
                    **({"baselines": baselines} if baselines else {}),
                },
            }
        )
