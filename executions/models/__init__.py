"""The rows of runs and of what surrounds them; each in the module that is named for it."""

from __future__ import annotations

from executions.models.alerting import AlertCondition, PendingAlert
from executions.models.bulk import BulkAction, BulkResult
from executions.models.definition import Definition, Watermark
from executions.models.execution import Execution, IdempotencyKey
from executions.models.heartbeat import Heartbeat
from executions.models.holds_drains_limits import Drain, Hold, Limit
from executions.models.output import Artifact, LogChunk, Measurement
from executions.models.queries import ExecutionQuerySet
from executions.models.reasons import WHY_NOT, Reason
from executions.models.states import (
    AUTOMATIC,
    BAD,
    FINAL,
    NOT_RUN,
    OPEN,
    State,
    Trigger,
    over,
)
from executions.models.totals import Straggler, Total

__all__ = [
    "AUTOMATIC",
    "BAD",
    "FINAL",
    "NOT_RUN",
    "OPEN",
    "WHY_NOT",
    "AlertCondition",
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
    "Measurement",
    "PendingAlert",
    "Reason",
    "State",
    "Straggler",
    "Total",
    "Trigger",
    "Watermark",
    "over",
]
