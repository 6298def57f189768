"""A failpoint crashes the process that reaches it, once, and only when it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from bench.faults.installation import eventually

REACH = "from executions import failpoints; failpoints.reach('here')"


def reach(**environment: str) -> int:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("BELFRY_FAILPOINT")}
    done = subprocess.run(
        [sys.executable, "-c", REACH], cwd=settings.BASE_DIR, env=inherited | environment, timeout=60
    )
    return done.returncode


def test_nothing_happens_when_no_failpoint_is_set() -> None:
    assert reach() == 0


def test_another_failpoint_is_passed() -> None:
    assert reach(BELFRY_FAILPOINT="there") == 0


def test_the_named_failpoint_crashes_once(tmp_path: Path) -> None:
    asked = {"BELFRY_FAILPOINT": "here", "BELFRY_FAILPOINT_MARK": str(tmp_path / "mark")}
    assert [reach(**asked), reach(**asked)] == [70, 0]


def test_the_named_failpoint_can_hang_instead(tmp_path: Path) -> None:
    asked = {"BELFRY_FAILPOINT": "here", "BELFRY_FAILPOINT_MARK": str(tmp_path / "mark")}
    process = subprocess.Popen(
        [sys.executable, "-c", REACH],
        cwd=settings.BASE_DIR,
        env=os.environ | asked | {"BELFRY_FAILPOINT_HANGS": "1"},
    )
    try:
        assert eventually((tmp_path / "mark").exists, 60)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)
