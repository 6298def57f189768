"""What is chosen for a job: its kind (how each runs: jobs/runners/), and what becomes of due times that cannot run at once."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    WEBHOOK = "webhook", _("Webhook")
    GITHUB_ACTIONS = "github_actions", _("GitHub Actions workflow")
    PYTHON_CLASS = "python_class", _("Python class")
    SCRIPT = "script", _("Python script")


# Kinds that run somebody's code on this server.
CODE_KINDS = (Kind.PYTHON_CLASS, Kind.SCRIPT)


class CatchUp(models.TextChoices):
    """What becomes of due times that passed while Belfry was down."""

    SKIP = "skip", _("record as missed")
    LAST = "last", _("run once (latest)")
    ALL = "all", _("run all, in order")


class Overlap(models.TextChoices):
    """What becomes of a due time while an earlier run goes on."""

    SKIP = "skip", _("skip")
    QUEUE = "queue", _("wait for the earlier run")
    REPLACE = "replace", _("cancel the earlier run")
    ALLOW = "allow", _("run in parallel")


class Suspension(models.TextChoices):
    """Why code is not run: its owner counts at each start (jobs/code_permission.py)."""

    INACTIVE = "inactive", _("The owner's account is not active.")
    RIGHT = "right", _("The owner may not run code.")
    OWNERLESS = "ownerless", _("The job has no owner any more.")
