"""The states of a run, and what brought it there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


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


class Reason(models.TextChoices):
    """Why a due time has the outcome that it has, where the state alone does not say it."""

    NONE = "", ""
    DOWN = "down", _("Belfry was down at the time; the job's rule is to record it as missed")
    DEADLINE = "deadline", _("the start deadline passed before it could start")
    TOO_MANY = "too_many", _("more due times had passed than are made up for after an outage")
    COALESCED = "coalesced", _("several due times had passed; the latest of them was run for all")
    OVERLAP = "overlap", _("an earlier run had not ended")
    REPLACED = "replaced", _("a later run took its place")
    PAUSED = "paused", _("the job was paused")
    ENDED = "ended", _("the job's end date has passed")
    BROKEN = "broken", _("the job could not be scheduled")
    RULES = "rules", _("the rules of its time zone changed")
    HELD = "held", _("all starts were held")
    OWNER = "owner", _("the job's owner may not run code")
    DELETED = "deleted", _("the job was deleted")
    STOPPED = "stopped", _("stopped by hand")
    SHUTDOWN = "shutdown", _("its worker was shut down")
    LOST = "lost", _("its worker died or lost touch with the database")
    OVERDUE = "overdue", _("it had not ended long after its time limit")
    UNSTARTABLE = "unstartable", _("it could not be started")
    QUOTA = "quota", _("as many runs of its account or category as may go on at once, or start in a minute")
    RETRYING = "retrying", _("an attempt failed; the next one waits")


# Why a job does not follow its schedule.
WHY_NOT = (Reason.PAUSED, Reason.ENDED, Reason.BROKEN, Reason.HELD, Reason.OWNER)


def over(state: State, reason: Reason, now: dt.datetime) -> dict[str, Any]:
    """The columns of a run that has come to its end; the secrets that it was given for itself go with it."""
    return {"state": state, "reason": reason, "finished_at": now, "secrets": {}, "suspended_at": None}
