"""Plain values that the ledger and the worker share."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

from jobs.runners import Spec

# Later than this a due time counts as passed while Belfry was down.
ON_TIME = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Claim:
    """A run that this worker has: the row's key, the attempt that fences its writes, and what to do."""

    pk: int
    uid: str
    attempt: int
    job: int | None
    serial: bool
    policy: dict[str, Any]
    spec: Spec
    started_at: dt.datetime
    by_hand: bool = False
    target: str = ""
    # By this process's time.monotonic(), which no clock change moves: its lease began at this moment or later.
    leased_at: float = field(default_factory=time.monotonic)
    # In which it has a place (executions/ledger/limits/concurrency.py).
    scopes: tuple[str, ...] = ()
    # Whether the job had an open incident when the run was claimed, which a success may close.
    troubled: bool = False
    # It was told nothing of its own: its row names a definition that says it all.
    plain: bool = False
