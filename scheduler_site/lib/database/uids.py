"""Ids that lie in an index in the order in which they were made: a burst of rows touches its last pages, and not all."""

from __future__ import annotations

import os
import time
import uuid


def in_order() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): the milliseconds since 1970, then 74 random bits. Nobody can guess it from another."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10)) & (1 << 74) - 1
    high, low = random >> 62, random & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
