"""To which incident a message belongs, and where in its course it stands: what is common to all messages about one problem.

Channels that know incidents themselves open and resolve theirs by it, under the same key; others need not look.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """`NONE`: it is about no incident, or about one more run of it."""

    NONE = ""
    OPENED = "opened"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    RECOVERED = "recovered"
    # What people did; told to services that keep incidents of their own.
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True)
class Thread:
    """`key` is the same for all messages about one incident; empty where there is none."""

    key: str = ""
    phase: Phase = Phase.NONE

    @classmethod
    def of(cls, incident: uuid.UUID, phase: Phase) -> Thread:
        return cls(f"incident:{incident}", phase)


NO_THREAD = Thread()
