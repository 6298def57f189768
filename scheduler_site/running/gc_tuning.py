"""Garbage collection in the programs that run for weeks."""

from __future__ import annotations

import gc

# Allocations between two looks at the youngest objects (CPython's default is 700): a hundred rows are more than that.
YOUNG = 20_000


def settle() -> None:
    """What was loaded by now stays for good: it is not looked through again while thousands of rows come and go."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
