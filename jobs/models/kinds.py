"""The kinds of jobs; how each runs: jobs/runners/."""

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
