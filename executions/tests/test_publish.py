"""Which runs travel in one message."""

from __future__ import annotations

import pytest

from executions.ledger.publish import per_message


@pytest.mark.parametrize(
    ("queue", "runs", "expected"),
    [
        ("io", 1, 1),
        ("io", 40, 40),
        ("io", 500, 50),
        ("code", 1, 1),
        ("code", 31, 1),
        ("code", 64, 4),
        ("code", 500, 8),
    ],
)
def test_many_runs_share_messages_and_few_runs_of_code_stay_apart(
    queue: str, runs: int, expected: int
) -> None:
    assert per_message(queue, runs) == expected
