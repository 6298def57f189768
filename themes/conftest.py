"""Where the registry is left out, its models cannot be imported, and there is nothing to try."""

from __future__ import annotations

from django.conf import settings

collect_ignore_glob = [] if settings.THEMES_ENABLED else ["tests/*"]
