"""The WSGI entry point of the web processes."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from scheduler_site.lib.base_path import below
from scheduler_site.running.privacy import keep_private

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")

application = below(get_wsgi_application(), settings.BASE_PATH)
keep_private()
