"""The project package is an app too: it brings commands and system checks."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "scheduler_site"

    def ready(self) -> None:
        from scheduler_site.checks import deployment, environment, servers  # noqa: F401 - register themselves
        from scheduler_site.lib.database import lookups

        lookups.register()
