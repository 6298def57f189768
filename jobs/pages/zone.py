"""In which zone a reader sees the times of a list: his browser's, as long as he has not said otherwise."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest

from jobs import schedule
from jobs.schedule import ScheduleError

# Set by static/js/base.js: a server is not told where its reader is.
COOKIE = "zone"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)


def zone_of_reader(request: HttpRequest, usual: str = "") -> str:
    """`usual`, by default the scheduler's zone, where the browser has told none that there is."""
    name = request.COOKIES.get(COOKIE, "")
    if _NAME.fullmatch(name):
        try:
            return str(schedule.zone(name).key)
        except ScheduleError:
            pass
    return usual or settings.SCHEDULER_TIMEZONE
