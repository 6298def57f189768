"""The nights' due times as they are written down, and what makes a program follow the trial's clock."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bench.faults.checker import Moments
from bench.faults.clock import Clock, compiler
from bench.faults.jobs import shown_time
from bench.faults.scenarios.times import NIGHTS, moments


def test_moments_are_seconds_of_a_day_in_utc() -> None:
    assert moments("1970-01-02", "00:00 01:30") == (86400, 91800)


def test_moments_after_the_end_are_not_due_yet() -> None:
    assert Moments((10, 20, 30)).slots(20.5) == [10, 20]


@pytest.mark.parametrize("name", NIGHTS)
def test_each_night_is_one_in_which_the_clock_changes(name: str) -> None:
    night = NIGHTS[name]
    first, last = min(night.due.values()), max(night.due.values())
    zone = ZoneInfo(night.zone)
    before, after = (
        dt.datetime.fromisoformat(f"{night.date}T{times.split()[end]}+00:00").astimezone(zone).utcoffset()
        for times, end in ((first, 0), (last, -1))
    )
    assert before != after


def test_a_step_is_shown_to_traces_unless_they_keep_to_the_true_time(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.step(7200)
    clock.step(-3600, shown=False)
    assert clock.offset == 3600
    assert abs(shown_time(tmp_path / "traces") - time.time() - 7200) < 60


@pytest.mark.skipif(compiler() is None, reason="the clock is built with cc")
def test_a_program_follows_the_clock_and_sleeps_as_long_as_ever(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    environment = clock.environment()
    clock.step(-7200)
    program = "import time; time.sleep(0.01); print(time.time())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert abs(float(done.stdout) - clock.now()) < 60
