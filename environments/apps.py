"""The environments app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnvironmentsConfig(AppConfig):
    name = "environments"
    verbose_name = _("Environments")

    def ready(self) -> None:
        from environments.checks import directories, job_user  # noqa: F401 - register themselves
