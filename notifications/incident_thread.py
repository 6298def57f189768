"""The incident that a message belongs to, and its phase: shared by all messages about one problem.

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
class IncidentThread:
    """`key` is the same for all messages about one incident; empty where there is none."""

    key: str = ""
    phase: Phase = Phase.NONE

    @classmethod
    def of(cls, incident: uuid.UUID, phase: Phase) -> IncidentThread:
        return cls(f"incident:{incident}", phase)


NO_THREAD = IncidentThread()
