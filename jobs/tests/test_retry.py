"""Whether and when a failed attempt is repeated."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import retry

POLICY: dict[str, Any] = {"max_attempts": 5, "retry_delay": 30, "retry_cap": 200}


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [
        (1, 30),  # 30 x 2^0
        (2, 60),  # 30 x 2^1
        (3, 120),  # 30 x 2^2
        (4, 200),  # 30 x 2^3 = 240, capped
    ],
)
def test_the_delay_doubles_up_to_its_cap(attempt: int, seconds: float) -> None:
    delay = retry.delay(attempt, POLICY)
    assert delay is not None
    assert seconds <= delay <= seconds * 1.1


def test_after_the_last_attempt_there_is_none() -> None:
    assert retry.delay(5, POLICY) is None


def test_a_job_that_asks_for_one_attempt_is_not_repeated() -> None:
    assert retry.delay(1, {"max_attempts": 1}) is None


def test_a_server_may_ask_for_more_time_within_the_cap() -> None:
    for asked, expected in [(100, 100), (5, 30), (10_000, 200)]:
        delay = retry.delay(1, POLICY, retry_after=asked)
        assert delay is not None
        assert expected <= delay <= expected * 1.1


def test_jobs_that_failed_together_do_not_come_back_together() -> None:
    assert len({retry.delay(1, POLICY) for _ in range(20)}) > 1
