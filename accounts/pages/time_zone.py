"""The time zone in which a user sees a page: the profile's, else the browser's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast
from zoneinfo import available_timezones

from django.conf import settings
from django.http import HttpRequest

from accounts.pages.profile import chosen_zone
from accounts.pages.request import PageRequest

# Set by static/js/base.js: a server is not told where its reader is.
COOKIE = "zone"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)


def zone_of_reader(request: HttpRequest, usual: str = "") -> str:
    """`usual` (by default the scheduler's zone) if the browser sent no valid zone."""
    name = chosen_zone(cast("PageRequest", request)) or request.COOKIES.get(COOKIE, "")
    if _NAME.fullmatch(name) and name in _zones():
        return name
    return usual or settings.SCHEDULER_TIMEZONE


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones() - {"localtime", "Factory"}  # these two depend on the machine
