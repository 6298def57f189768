"""The states of a run, and what started it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from executions.models.reasons import Reason


class State(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCESS = "success", _("succeeded")
    FAILED = "failed", _("failed")
    TIMEOUT = "timeout", _("timed out")
    STOPPED = "stopped", _("cancelled")
    LOST = "lost", _("worker lost")
    ERROR = "error", _("could not start")
    MISSED = "missed", _("missed")
    SKIPPED = "skipped", _("skipped")


OPEN = (State.QUEUED, State.RUNNING)


FINAL = tuple(state for state in State if state not in OPEN)


# Ended badly; what a person wants to see first.
BAD = (State.FAILED, State.TIMEOUT, State.LOST, State.ERROR, State.MISSED)


# Never started: shown only where asked for by those who count runs.
NOT_RUN = (State.MISSED, State.SKIPPED)


class Trigger(models.TextChoices):
    SCHEDULED = "scheduled", _("scheduled")
    MANUAL = "manual", _("manual")
    DEPENDENCY = "dependency", _("upstream job")


# Started by Belfry itself: a pause and the start deadline hold for these.
AUTOMATIC = (Trigger.SCHEDULED, Trigger.DEPENDENCY)


def over(state: State, reason: Reason, now: dt.datetime) -> dict[str, Any]:
    """The columns of a run that has come to its end; the secrets that it was given for itself go with it."""
    return {"state": state, "reason": reason, "finished_at": now, "secrets": {}, "suspended_at": None}
