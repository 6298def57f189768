"""Time ranges of queries."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest

from compat.ndscheduler.views.base import Refusal
from scheduler_site.rest.query import with_plus


def read(request: HttpRequest, usual: dt.timedelta, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """`time_range_start` and `time_range_end`, in UTC; without them the time up to now, `usual` long. 400."""
    end = _moment(request, "time_range_end") or now
    return _moment(request, "time_range_start") or now - usual, end


def _moment(request: HttpRequest, name: str) -> dt.datetime | None:
    """ISO 8601; UTC without an offset."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(with_plus(text))
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"Invalid {name}: write a time such as 2023-01-01T00:00:00.000Z") from error
