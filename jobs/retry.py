"""Whether and when a failed attempt is repeated: a pure decision; `executions/ledger/outcomes.py` acts on it."""

from __future__ import annotations

import random
from typing import Any


def delay(attempt: int, policy: dict[str, Any], *, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt after attempt number `attempt` (from 1) failed; None for no more attempts.

    Exponential: `retry_delay` x 2^(attempt-1), at most `retry_cap`, and up to a tenth more so that jobs that failed
    together do not come back together. What a server asked for (`retry_after`) is respected within the cap.
    """
    if attempt >= policy.get("max_attempts", 1):
        return None
    cap = float(policy.get("retry_cap", 3600))
    seconds = min(float(policy.get("retry_delay", 30)) * 2.0 ** (attempt - 1), cap)
    seconds = max(seconds, min(retry_after or 0.0, cap))
    return seconds * random.uniform(1.0, 1.1)  # noqa: S311 - spreads load, protects nothing
