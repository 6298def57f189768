"""The rules of a time zone change, and hosts differ in them: no due time is lost, none comes twice, and the ledger says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from audit.record import Actor
from executions.ledger.due import zone_change
from executions.models import Execution, Heartbeat
from executions.monitoring import health, heartbeat
from executions.tests.conftest import Ledger
from jobs import verbs, zones
from jobs.models import Job, ZoneRules
from jobs.next_run import upcoming
from jobs.tests import tzif
from jobs.tests.factories import make_job, moment

ZONE = "Europe/Paris"
Host = Callable[..., None]
MADE = moment("2026-06-01 00:00")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """`host("2026a", 1, change)`: whatever starts from now on comes with these rules of the zone."""
    yield lambda version, hours, *changes: tzif.host(tmp_path, version, ZONE, hours, *changes)
    tzif.back()


def job_at(expression: str, **values: Any) -> Job:
    """Made on the first of June, with what was due since in the ledger."""
    with time_machine.travel(MADE, tick=False):
        zone_change.learn()
        job = make_job(expression=expression, timezone=ZONE, overlap="allow", **values)
        zone_change.look()
    return job


def beat_starts(now: str) -> int:
    with time_machine.travel(moment(now), tick=False):
        return zone_change.look()


def next_run(job: Job) -> str:
    job.refresh_from_db()
    return f"{job.next_run_at:%d %H:%M}"


def days(ledger: Ledger, job: Job) -> list[str]:
    return [f"{row.due_at:%d %H:%M} {row.state} {row.reason}".strip() for row in ledger.rows(job)]


def through(ledger: Ledger, start: str, hours: int) -> None:
    """A beat that ticks every five minutes."""
    for step in range(hours * 12 + 1):
        now = moment(start) + dt.timedelta(minutes=5 * step)
        ledger.tick(f"{now:%Y-%m-%d %H:%M:%S}")


def test_summer_time_is_abolished_after_the_fact_and_no_hour_of_the_day_runs_twice(
    ledger: Ledger, host: Host
) -> None:
    host("2026a", 2)
    job = job_at("0 9,10,11 * * *")
    through(ledger, "2026-06-01 06:00", 2)  # up to 08:00 UTC, which was 10:00
    host("2026b", 2, (moment("2026-05-30 00:00"), 1))
    beat_starts("2026-06-01 08:30")
    # 11:00 by the new rules; 09:00 UTC would be 10:00, which has been.
    assert next_run(job) == "01 10:00"
    through(ledger, "2026-06-01 08:35", 24)
    assert days(ledger, job) == [
        "01 07:00 queued",
        "01 08:00 queued",
        "01 09:00 skipped rules",
        "01 10:00 queued",
        "02 08:00 queued",
    ]


def test_an_hour_that_the_new_rules_put_into_the_past_is_made_up_for(ledger: Ledger, host: Host) -> None:
    host("2026a", 1)
    job = job_at("0 9 * * *")
    host("2026b", 1, (moment("2026-05-30 00:00"), 2))
    beat_starts("2026-06-01 07:30")  # 09:30 by the new rules, 08:30 by the old ones
    ledger.tick("2026-06-01 07:30:01")
    assert days(ledger, job) == ["01 07:00 queued"]
    assert next_run(job) == "02 07:00"


def test_where_nothing_is_made_up_for_it_is_missed_because_of_the_rules(ledger: Ledger, host: Host) -> None:
    host("2026a", 1)
    job = job_at("0 9 * * *", catch_up="skip")
    host("2026b", 1, (moment("2026-05-30 00:00"), 2))
    beat_starts("2026-06-01 07:30")
    ledger.tick("2026-06-01 07:30:01")
    assert days(ledger, job) == ["01 07:00 missed rules"]


def test_a_change_that_is_moved_moves_what_is_to_come(ledger: Ledger, host: Host) -> None:
    host("2026a", 1, (moment("2026-06-10 01:00"), 2))
    job = job_at("0 9 12 * *")
    assert next_run(job) == "12 07:00"
    host("2026b", 1, (moment("2026-06-20 01:00"), 2))
    beat_starts("2026-06-02 12:00")
    assert next_run(job) == "12 08:00"
    # At 07:00 nothing happens any more, so nothing is to be said of it.
    assert days(ledger, job) == []


def test_a_time_in_a_gap_that_will_not_be_runs_at_its_time(ledger: Ledger, host: Host) -> None:
    change = moment("2026-06-10 01:00")
    host("2026a", 1, (change, 2))  # 02:00 becomes 03:00
    job = job_at("30 2 * * *")
    with time_machine.travel("2026-06-09 12:00", tick=False):
        Job.objects.update(next_run_at=upcoming(job, moment("2026-06-09 12:00")))
    assert next_run(job) == "10 01:00"  # right after the gap
    host("2026b", 1)
    beat_starts("2026-06-09 13:00")
    assert next_run(job) == "10 01:30"


def test_a_job_that_follows_the_clock_goes_on_without_a_gap(ledger: Ledger, host: Host) -> None:
    host("2026a", 2)
    job = job_at("*/30 * * * *")
    through(ledger, "2026-06-01 00:00", 2)
    host("2026b", 2, (moment("2026-05-30 00:00"), 1))
    beat_starts("2026-06-01 02:10")
    through(ledger, "2026-06-01 02:15", 1)
    assert [row[3:] for row in days(ledger, job)][-3:] == ["02:00 queued", "02:30 queued", "03:00 queued"]


def test_a_due_job_is_worked_out_by_the_tick_that_meets_it_first(ledger: Ledger, host: Host) -> None:
    """The beat was down when 09:00 came by the old rules, and comes back with new ones, by which it is 08:10."""
    host("2026a", 2)
    job = job_at("0 9 * * *")
    host("2026b", 2, (moment("2026-05-30 00:00"), 1))
    with time_machine.travel(moment("2026-06-01 07:10"), tick=False):
        zone_change.learn()
        ledger.tick("2026-06-01 07:10")
    assert days(ledger, job) == []
    through(ledger, "2026-06-01 07:15", 1)
    assert days(ledger, job) == ["01 08:00 queued"]


def test_a_beat_with_older_rules_goes_by_the_newest(ledger: Ledger, host: Host, tmp_path: Path) -> None:
    host("2026b", 1)
    job = job_at("0 9 * * *")
    host("2026a", 2)
    beat_starts("2026-06-01 01:00")
    through(ledger, "2026-06-01 06:00", 3)
    beat_starts("2026-06-01 09:00")
    tzif.start_on(tmp_path / "2026b")
    assert beat_starts("2026-06-01 09:01") == 0
    assert days(ledger, job) == ["01 08:00 queued"]
    assert next_run(job) == "02 08:00"


def test_a_job_that_is_made_by_an_older_host_is_due_by_the_newest_rules(ledger: Ledger, host: Host) -> None:
    host("2026b", 1)
    job_at("0 9 * * *")
    host("2026a", 2)
    with time_machine.travel(MADE, tick=False):
        job = make_job(name="another", expression="0 9 * * *", timezone=ZONE)
    assert next_run(job) == "01 08:00"


def test_rules_that_say_the_same_move_nothing(ledger: Ledger, host: Host) -> None:
    host("2026a", 2)
    job = job_at("0 9 * * *")
    host("2026b", 2)
    assert beat_starts("2026-06-01 01:00") == 0
    assert next_run(job) == "01 07:00"
    assert ZoneRules.objects.filter(zone=ZONE).count() == 1


def test_twice_is_as_once_and_what_was_not_due_at_the_time_is_not_made_up_for(
    ledger: Ledger, host: Host
) -> None:
    host("2026a", 1)
    job = job_at("0 9 * * *")
    host("2026b", 1, (moment("2026-05-30 00:00"), 2))
    with time_machine.travel(moment("2026-06-01 07:20"), tick=False):
        # Paused and resumed after the time that the new rules will put into the past.
        zones.refresh()
        verbs.pause(job, by=Actor.system())
        verbs.resume(job, by=Actor.system())
    Job.objects.update(next_run_at=moment("2026-06-01 08:00"))
    assert beat_starts("2026-06-01 07:30") == 1
    assert beat_starts("2026-06-01 07:31") == 0
    ledger.tick("2026-06-01 07:31:01")
    assert days(ledger, job) == []
    assert next_run(job) == "02 07:00"


def test_jobs_that_the_change_does_not_touch_cost_nothing_each(
    ledger: Ledger, host: Host, django_assert_max_num_queries: Any
) -> None:
    host("2026a", 1)
    for number in range(20):
        job_at("0 9 * * *", name=f"job {number}")
    host("2026b", 1, (moment("2027-05-30 00:00"), 2))
    with time_machine.travel(moment("2026-06-01 07:30"), tick=False), django_assert_max_num_queries(18):
        assert zone_change.look() == 20


def test_hosts_with_other_rules_are_named(db: None, host: Host) -> None:
    host("2026a", 1)
    Heartbeat.objects.create(
        name="beat far-away:7-ab", role="beat", at=moment("2026-06-01 00:00"), started_at=MADE, tzdata="2026b"
    )
    heartbeat.forget_gone(MADE)
    check = next(one for one in health.report(MADE).checks if one.name == health.ZONES)
    assert not check.ok
    assert check.advice
    assert "far-away 2026b" in check.where
    assert "2026a" in check.where
    Heartbeat.objects.update(tzdata="2026a")
    assert all(one.ok for one in health.report(MADE).checks if one.name == health.ZONES)
    assert not Execution.objects.exists()
