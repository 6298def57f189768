"""Why a due time was skipped or missed, and why a run ended as it did, where its state alone does not say so.

Who writes them, under executions/: overlap and replaced, ledger/limits/overlap.py; quota, ledger/limits/quotas.py; down,
deadline, too many and coalesced, ledger/catch_up.py; paused, ended, broken and held, ledger/due/inactive_periods.py, and for
what was queued ledger/claims.py and upkeep/reconcile.py, as deleted, owner and unstartable; rules,
ledger/due/zone_change.py; stopped, ledger/verbs.py; shutdown, ledger/outcomes.py; lost, upkeep/reconcile.py; overdue,
worker/worker.py; retrying, ledger/requeue.py.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
