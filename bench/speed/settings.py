"""Belfry's settings with one app more: it brings the kinds of job that do nothing."""

from __future__ import annotations

from scheduler_site.settings import *  # noqa: F403
from scheduler_site.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "bench.speed.apps.SpeedConfig"]
