"""Queues claimed runs again that the worker did not start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from executions.models import Execution, Reason, State
from executions.values import Claim


@transaction.atomic
def give_back(claims: Sequence[Claim], worker: str, now: dt.datetime) -> list[Claim]:
    """Those that are queued again. Not among them: what is not this worker's any more, and what somebody has stopped meanwhile.

    Nothing of the attempt was run, so that it is none: the next one gets its number.
    """
    returned: list[Claim] = []
    for attempt in sorted({claim.attempt for claim in claims}):
        these = [claim for claim in claims if claim.attempt == attempt]
        mine = Execution.objects.filter(
            worker=worker, state=State.RUNNING, attempt=attempt, stop_requested_at=None
        )
        keys = set(mine.filter(pk__in=[claim.pk for claim in these]).locked())
        mine.filter(pk__in=keys).update(**_as_before(attempt, now))
        returned += [claim for claim in these if claim.pk in keys]
    return returned


def _as_before(attempt: int, now: dt.datetime) -> dict[str, Any]:
    first = {"reason": Reason.NONE, "started_at": None}
    later = {"reason": Reason.RETRYING, "next_attempt_at": now}
    return {
        "state": State.QUEUED,
        "attempt": F("attempt") - 1,
        "worker": "",
        "busy": None,
        "lease_until": None,
        "published_at": None,
        "suspended_at": None,
        **(first if attempt == 1 else later),
    }
