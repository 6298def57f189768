"""The environments app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnvironmentsConfig(AppConfig):
    name = "environments"
    verbose_name = _("Environments")

    def ready(self) -> None:
        from environments import checks  # noqa: F401 - registers itself
