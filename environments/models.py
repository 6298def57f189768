"""Where scripts run: environments, and the operations that make, change and remove them.

The name of an environment is a label over a fixed directory, `ENVIRONMENTS_DIR/<uid>`: a rename moves nothing. Which packages
it has is read from that directory and kept nowhere else.
"""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit.models import Stamped

LONGEST_NAME = 64


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def visible_to(self, user: User) -> EnvironmentQuerySet:
        """All that exist, for everybody who may see environments."""
        return self.existing() if user.has_perm("environments.view_environment") else self.none()

    def changeable_by(self, user: User) -> EnvironmentQuerySet:
        """All for administrators, for others those they made."""
        if not user.has_perm("environments.change_environment"):
            return self.none()
        return (
            self.existing()
            if user.has_perm("environments.change_all_environments")
            else self.existing().filter(created_by=user)
        )

    def existing(self) -> EnvironmentQuerySet:
        """Without names that only a job knows."""
        return self.exclude(state=Environment.State.ABSENT)


class Environment(Stamped):
    """An isolated Python with its packages."""

    class Backend(models.TextChoices):
        CONDA = "conda", _("Conda packages")
        PYPI = "pypi", _("PyPI packages")
        EXTERNAL = "external", _("Installed Conda")

    class State(models.TextChoices):
        CREATING = "creating", _("being created")
        READY = "ready", _("ready")
        BROKEN = "broken", _("broken")
        DELETING = "deleting", _("being deleted")
        # Named by a job that was taken over from elsewhere; becomes an environment when somebody makes one of this name.
        ABSENT = "absent", _("does not exist")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME, unique=True)
    backend = models.CharField(_("backend"), max_length=8, choices=Backend.choices)
    # As asked for (3.12) until it was made, then as it is (3.12.4).
    python_version = models.CharField(_("Python version"), max_length=32, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.CREATING)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it is broken."))
    # Of an environment that was found here and registered: where it lies. Others lie below ENVIRONMENTS_DIR.
    registered_prefix = models.CharField(_("directory"), max_length=500, blank=True)
    # Measured after each change; `shared` is what hard links have in common with other environments or the cache.
    disk_bytes = models.BigIntegerField(_("disk use"), null=True)
    shared_bytes = models.BigIntegerField(_("shared disk use"), null=True)
    measured_at = models.DateTimeField(null=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("environment")
        verbose_name_plural = _("environments")
        ordering = ("name",)
        permissions = [("change_all_environments", "Can change environments that others made")]

    def __str__(self) -> str:
        return self.name

    @property
    def home(self) -> Path:
        """What belongs to it alone: its lock, its description, and its prefix unless that lies elsewhere."""
        return Path(settings.ENVIRONMENTS_DIR, self.uid.hex)

    @property
    def prefix(self) -> Path:
        return Path(self.registered_prefix) if self.registered_prefix else self.home / "prefix"

    @property
    def is_read_only(self) -> bool:
        """Registered: it is shown and used, not changed."""
        return bool(self.registered_prefix)


class OperationQuerySet(models.QuerySet["Operation"]):
    def open(self) -> OperationQuerySet:
        return self.filter(state__in=Operation.OPEN)

    def expired(self, now: dt.datetime) -> OperationQuerySet:
        """Those whose process was not heard of for too long."""
        return self.filter(state=Operation.State.RUNNING, lease_until__lt=now)


class Operation(models.Model):
    """Something that is done to an environment: asked for by a person, carried out by a system worker."""

    class Kind(models.TextChoices):
        CREATE = "create", _("create")
        INSTALL = "install", _("install packages")
        REMOVE = "remove", _("remove packages")
        UPDATE = "update", _("update packages")
        DELETE = "delete", _("delete")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCESS = "success", _("success")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    OPEN = (State.QUEUED, State.RUNNING)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Kept when the environment is gone: whoever waits for the deletion learns how it ended.
    environment = models.ForeignKey(
        Environment, null=True, on_delete=models.SET_NULL, related_name="operations"
    )
    environment_name = models.CharField(_("environment"), max_length=LONGEST_NAME)
    kind = models.CharField(_("operation"), max_length=8, choices=Kind.choices)
    # Specifications as they were typed; of an update without any, all packages are meant.
    packages = models.JSONField(_("packages"), default=list)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # The environment's key while this is open: of each environment one operation is.
    busy = models.BigIntegerField(null=True, unique=True)

    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    # What the tool says, cut at the front when it is long.
    log = models.TextField(_("progress"), blank=True)
    error = models.TextField(_("error"), blank=True)
    # Those of `packages` that were at fault, and a sentence about each; empty when the culprit is unknown.
    failed_packages = models.JSONField(default=list)
    error_details = models.JSONField(default=list)

    objects = OperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ("-id",)
        indexes = [models.Index(fields=["state", "id"], name="operation_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.environment_name}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
