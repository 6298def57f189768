"""The rows of runs and of what surrounds them; each in the module that is named for it."""

from __future__ import annotations

from executions.models.bulk import BulkAction, BulkResult
from executions.models.control import Drain, Hold, Limit
from executions.models.definition import Definition, Mark
from executions.models.execution import Execution, IdempotencyKey
from executions.models.output import Artifact, LogChunk, Measurement
from executions.models.queries import ExecutionQuerySet
from executions.models.states import (
    AUTOMATIC,
    BAD,
    FINAL,
    NOT_RUN,
    OPEN,
    WHY_NOT,
    Reason,
    State,
    Trigger,
    over,
)
from executions.models.totals import Straggler, Total
from executions.models.watching import Heartbeat, Untold, Watch

__all__ = [
    "AUTOMATIC",
    "BAD",
    "FINAL",
    "NOT_RUN",
    "OPEN",
    "WHY_NOT",
    "Artifact",
    "BulkAction",
    "BulkResult",
    "Definition",
    "Drain",
    "Execution",
    "ExecutionQuerySet",
    "Heartbeat",
    "Hold",
    "IdempotencyKey",
    "Limit",
    "LogChunk",
    "Mark",
    "Measurement",
    "Reason",
    "State",
    "Straggler",
    "Total",
    "Trigger",
    "Untold",
    "Watch",
    "over",
]
