"""How often tests try what chance has made up; `TEST_ROUNDS=10` asks for ten times as many rounds."""

from __future__ import annotations

import os

FACTOR = int(os.environ.get("TEST_ROUNDS", "1"))


def rounds(number: int) -> range:
    return range(number * FACTOR)
