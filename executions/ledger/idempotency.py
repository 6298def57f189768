"""Requests to run a job that carry a key: sent twice, they run it once (draft-ietf-httpapi-idempotency-key-header).

The same user, job and key within a day mean the same request: it is answered with the run that it started. With another body
it is refused (409; the draft proposes 422, which this API gives only for declared schemas). What was refused may be sent again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from executions.models import Execution, IdempotencyKey
from jobs.models import Job

KEPT = dt.timedelta(hours=24)
LONGEST = 255


class KeyReused(Exception):
    """The key has been used for another request."""


@dataclass(frozen=True)
class Request:
    """Who asks for a run of what, under which key (1 to 255 characters), and what else he says."""

    user: User
    job: Job
    key: str
    body: Mapping[str, Any]

    @property
    def names(self) -> dict[str, Any]:
        return {"user": self.user, "job": self.job, "key": _digest(self.key)}


def is_key(text: str) -> bool:
    """Whether it is a key: 1 to 255 printable characters of ASCII."""
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable()


def earlier(request: Request, now: dt.datetime) -> Execution | None:
    """The run that the same request started before. Raises KeyReused."""
    known = (
        IdempotencyKey.objects.filter(**request.names, at__gt=now - KEPT).select_related("execution").first()
    )
    if known is None:
        return None
    if known.body != _digest_of(request.body):
        raise KeyReused
    return known.execution


@transaction.atomic
def run(request: Request, launch: Callable[[], Execution], now: dt.datetime) -> tuple[Execution, bool]:
    """The run that `launch` makes, or that the same request made before; true in the latter case.

    Of requests that come together the others wait for the first: all lock the job, as `launch` itself does.
    Raises KeyReused, Job.DoesNotExist and what `launch` raises; then nothing is kept.
    """
    Job.objects.select_for_update().get(pk=request.job.pk)
    if known := earlier(request, now):
        return known, True
    IdempotencyKey.objects.filter(**request.names).delete()
    execution = launch()
    IdempotencyKey.objects.create(**request.names, body=_digest_of(request.body), execution=execution, at=now)
    return execution, False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of(body: Mapping[str, Any]) -> str:
    return _digest(json.dumps(body, sort_keys=True))
