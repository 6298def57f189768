"""Our account of APScheduler's times is APScheduler's own, in nights of clock changes too."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from compat.importers.apscheduler_times import OldCron
from compat.ndscheduler import cron
from compat.ndscheduler.tests.test_cron_border import random_fields

NIGHTS = [
    ("Europe/Berlin", "2026-03-27"),
    ("Europe/Berlin", "2026-10-23"),
    ("America/New_York", "2026-03-06"),
    ("America/New_York", "2026-10-30"),
    ("America/Santiago", "2026-09-03"),
    ("Africa/Cairo", "2026-04-22"),
    ("Australia/Lord_Howe", "2026-04-02"),
    ("Asia/Taipei", "2026-01-30"),
]


def theirs(fields: dict[str, str], zone: str, start: dt.datetime, count: int) -> list[dt.datetime]:
    trigger = CronTrigger(timezone=ZoneInfo(zone), **fields)
    found: list[dt.datetime] = []
    moment = trigger.get_next_fire_time(None, start + dt.timedelta(microseconds=1))
    while moment and len(found) < count:
        found.append(moment.astimezone(dt.UTC))
        # The scheduler asks again once the time has come, in UTC.
        previous = moment.astimezone(dt.UTC)
        moment = trigger.get_next_fire_time(previous, previous + dt.timedelta(microseconds=1))
    return found


@pytest.mark.parametrize(("zone", "day"), NIGHTS)
def test_random_fields_fire_when_apscheduler_says(zone: str, day: str) -> None:
    rng = random.Random(f"{zone} {day}")
    start = dt.datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=dt.UTC)
    compared = 0
    for round_ in range(80):
        fields = random_fields(rng)
        if round_ % 2:  # half of them in the hours in which clocks change
            hours = ("0", "1", "2", "3", "1-3", "*", "2,3", "0-3/2")
            fields = {"hour": rng.choice(hours), "minute": fields.get("minute", "30")}
        ours = OldCron(cron.schedule(cron.filled(fields), zone)).upcoming(start, 20)
        if len(ours) < 20:
            continue
        assert ours == theirs(fields, zone, start, 20), fields
        compared += 1
    assert compared > 40
