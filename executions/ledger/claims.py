"""Claiming: a worker moves a run from queued to running.

This is a conditional UPDATE. A message that arrives twice, or a run that was stopped or claimed meanwhile, changes no row.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence, Set
from functools import cache

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Case, F, Value, When

from executions.alerting import incident_triggers, pending
from executions.ledger import code_and_secrets, downstream, format_versions
from executions.ledger.downstream import DownstreamJobs, End
from executions.ledger.limits import concurrency, quotas
from executions.ledger.limits.overlap import release
from executions.models import AUTOMATIC, Execution, ExecutionQuerySet, Reason, State, Trigger, over
from executions.values import Claim
from incidents.models import Incident
from jobs.models import Job, Script, named_digest, with_text
from jobs.runners import RUNNERS, Spec
from scheduler_site.lib.encrypted import Undecryptable

log = logging.getLogger("executions.ledger.claims")

# A run whose worker has not renewed its lease for so long is lost: known with the next turn of the reconciler.
LEASE = dt.timedelta(seconds=40)
NEEDED: dict[str, type | tuple[type, ...]] = {
    "options": dict,
    "metadata": object,
    "timeout": (int, float, type(None)),
    "stop_grace": (int, float),
    "overlap": str,
    "max_attempts": int,
    "retry_delay": (int, float),
    "retry_cap": (int, float),
    "rerun_lost": bool,
}
NO_SECRETS = "The secrets cannot be read: the key that encrypted them is not among ENCRYPTION_KEYS."
NO_TEXT = "The text of the script is not there any more."

# The columns that a claim needs: a wide row costs more than everything else here.
READ = (
    *(
        "uid",
        "job_id",
        "job_uid",
        "job_name",
        "kind",
        "state",
        "definition",
        "shared__body",
        "secrets",
        "scheduled_for",
        "trigger",
    ),
    *("attempt", "start_before", "started_at", "target", "requested_by_id"),
    *("category_id", "priority", "limit_key", "due_at"),
)


class _Contended(Exception):
    """Somebody else had some of the rows: claim them one by one."""


def claim(
    uids: Sequence[str], worker: str, now: dt.datetime, seen: dict[int, int] | None = None
) -> list[Claim]:
    """Takes those of the queued runs that may start now; ends those that may not start any more.

    `seen` notes the attempts of the runs that are about to be taken. Called with it again, after the answer was lost: what
    landed all the same is this worker's, and is among the answers.
    """
    began = time.monotonic()
    adopted = _adopt(seen, worker, now) if seen else []
    rows = _known(_read(_readable().startable(now).filter(uid__in=uids)))
    scripts = (row for row in [*rows, *adopted] if row.kind == Job.Kind.SCRIPT)
    texts = Script.texts(row.definition for row in scripts if sound(row))
    suspended = code_and_secrets.suspended(rows)
    refused = {row.pk for row in rows if _refuse(row, texts, suspended, now)}
    if refused:
        release(row.job_id for row in rows if row.pk in refused)
    ready = quotas.admit([row for row in rows if row.pk not in refused], now)
    if seen is not None:
        seen |= {row.pk: row.attempt for row in ready}
    taken = [*adopted, *_take(ready, worker, now)]
    entitled = code_and_secrets.entitled(taken)
    return [_claimed(row, texts, entitled, now, began) for row in taken]


@cache
def _readable() -> ExecutionQuerySet:
    """All runs, with what a claim must know of them; built once, which takes as long as the answer of the database."""
    known = {
        "enabled": F("job__periodic_task__enabled"),
        "job_secrets": F("job__secrets"),
        "owner": F("job__owner_id"),
        "by_installation": F("job__by_installation"),
        "troubled": incident_triggers.OPEN_OF_ITS_JOB,
    }
    rows: ExecutionQuerySet = Execution.objects.select_related("shared").only(*READ)
    return rows.annotate(**known, **concurrency.KNOWN)


def _read(rows: ExecutionQuerySet) -> list[Execution]:
    found = list(rows)
    for row in found:
        row.plain = row.is_plain  # type: ignore[attr-defined]
        row.definition = format_versions.read(row)
    return found


def _known(rows: list[Execution]) -> list[Execution]:
    """Without those of a release after this one, which are for the workers of that release."""
    newer = [row for row in rows if format_versions.is_newer(row.definition)]
    for row in newer:
        about = {"run": row.uid, "job": row.job_name, "version": format_versions.version_of(row.definition)}
        log.warning("definition_is_newer", extra=about)
    if newer:
        # Announced again soon.
        Execution.objects.filter(pk__in=[row.pk for row in newer], state=State.QUEUED).update(
            published_at=None
        )
    return [row for row in rows if not format_versions.is_newer(row.definition)]


def _adopt(seen: dict[int, int], worker: str, now: dt.datetime) -> list[Execution]:
    """Those that this worker took without hearing of it: they were queued before, and are its own next attempts now."""
    mine = _readable().filter(pk__in=seen, worker=worker, state=State.RUNNING)
    landed = [row for row in _read(mine) if row.attempt == seen[row.pk] + 1]
    # Their leases are as old as the claim; one that ran out meanwhile may be judged at any moment.
    Execution.objects.filter(pk__in=[row.pk for row in landed], worker=worker, state=State.RUNNING).update(
        lease_until=now + LEASE
    )
    for row in landed:
        # As a claim that heard its answer had read it.
        row.attempt -= 1
    return landed


def sound(run: Execution) -> bool:
    """Whether a run's definition has what a worker reads of it; a row that was damaged by hand has not."""
    definition: object = run.definition
    return isinstance(definition, dict) and all(
        name in definition and isinstance(definition[name], kind) for name, kind in NEEDED.items()
    )


def _refuse(row: Execution, texts: Mapping[str, str], suspended: Mapping[int, str], now: dt.datetime) -> bool:
    """Ends a run that may not start any more; true when it may not."""
    automatic_first = row.trigger in AUTOMATIC and row.attempt == 0
    told: dict[str, str] = {}
    if row.job_id is None:
        state, reason = State.SKIPPED, Reason.DELETED
    elif automatic_first and getattr(row, "enabled", True) is False:
        state, reason = State.SKIPPED, Reason.PAUSED
    elif automatic_first and row.start_before is not None and row.start_before < now:
        state, reason = State.MISSED, Reason.DEADLINE
    elif row.pk in suspended:
        # An attempt that failed went before: its run has ended, and was not passed over.
        state = State.ERROR if row.attempt else State.SKIPPED
        reason, told = Reason.OWNER, {"error": suspended[row.pk]}
    elif not sound(row):
        # Found out before the claim: after it, it would take the others of its message along.
        state, reason = State.ERROR, Reason.UNSTARTABLE
    elif row.kind == Job.Kind.SCRIPT and _lacks_text(row, texts):
        state, reason, told = State.ERROR, Reason.UNSTARTABLE, {"error": NO_TEXT}
    elif isinstance(getattr(row, "job_secrets", None), Undecryptable) or isinstance(
        row.secrets, Undecryptable
    ):
        state, reason, told = State.ERROR, Reason.UNSTARTABLE, {"error": NO_SECRETS}
    else:
        return False
    with transaction.atomic():
        led_on = downstream.of([row.job_id]) if state == State.ERROR else DownstreamJobs()
        waiting = Execution.objects.filter(pk=row.pk, state=State.QUEUED)
        ended = waiting.update(**over(state, reason, now), **told)
        if ended and state == State.MISSED:
            pending.record_unstarted([row.pk], now)
        elif ended and state == State.ERROR:
            downstream.start(led_on, [End(row.pk, row.job_id, state)], now)
            pending.record_given_up([row], str(reason.label), now, Incident.Kind.COULD_NOT_START)
    return True


def _lacks_text(row: Execution, texts: Mapping[str, str]) -> bool:
    """Whether the text of its script is gone; a script that is run by its path names none."""
    digest = named_digest(row.definition["options"])
    return bool(digest) and digest not in texts


def _take(rows: list[Execution], worker: str, now: dt.datetime) -> list[Execution]:
    """Claims all in one statement; if somebody else has some, one by one. What needs a place is claimed apart."""
    limited = [row for row in rows if concurrency.scopes_of(row)]
    if limited:
        free = [row for row in rows if not concurrency.scopes_of(row)]
        return [*(_take(free, worker, now) if free else ()), *_take_places(limited, worker, now)]
    if len(rows) > 1:
        try:
            with transaction.atomic():
                Execution.objects.filter(pk__in=[row.pk for row in rows]).locked()
                if _take_rows(rows, worker, now) != len(rows):
                    raise _Contended
        except (_Contended, IntegrityError, OperationalError):
            # Not all, or two workers with runs of the same two jobs in different orders (a deadlock).
            pass
        else:
            return rows
    return [row for row in rows if _take_one(row, worker, now)]


@transaction.atomic
def _take_places(rows: list[Execution], worker: str, now: dt.datetime) -> list[Execution]:
    """The places are locked until these are claimed."""
    return [row for row in concurrency.admit(rows, now) if _take_one(row, worker, now)]


def _take_one(row: Execution, worker: str, now: dt.datetime) -> bool:
    try:
        with transaction.atomic():
            return _take_rows([row], worker, now) == 1
    except IntegrityError:
        # Another run of the job is busy: this one waits until it is released.
        Execution.objects.filter(pk=row.pk, state=State.QUEUED).update(held=True)
        return False


def _take_rows(rows: list[Execution], worker: str, now: dt.datetime) -> int:
    alone = [row.pk for row in rows if row.definition.get("overlap") != Job.Overlap.ALLOW]
    busy = Case(When(pk__in=alone, then=F("job_id")), default=Value(None)) if alone else Value(None)
    return Execution.objects.filter(pk__in=[row.pk for row in rows], state=State.QUEUED, held=False).update(
        state=State.RUNNING,
        reason=Reason.NONE,
        attempt=F("attempt") + 1,
        worker=worker,
        busy=busy,
        lease_until=now + LEASE,
        started_at=Case(When(started_at=None, then=Value(now)), default=F("started_at")),
        next_attempt_at=None,
        stop_requested_at=None,
        stop_reason="",
        suspended_at=None,
        waits_for="",
    )


def _secrets_of(row: Execution) -> dict[str, str]:
    return getattr(row, "job_secrets", None) or {}


def _claimed(
    row: Execution, texts: Mapping[str, str], entitled: Set[int], now: dt.datetime, began: float
) -> Claim:
    definition = row.definition
    runner = RUNNERS.get(row.kind)
    spec = Spec(
        run_id=str(row.uid),
        attempt=row.attempt + 1,
        job_id=str(row.job_uid),
        job_name=row.job_name,
        kind=row.kind,
        options=with_text(definition["options"], texts),
        metadata=definition["metadata"],
        secrets=_secrets_of(row) | row.secrets if row.pk in entitled else row.secrets,
        slot=row.scheduled_for,
        timeout=float(definition["timeout"] or (runner.default_timeout if runner else 60)),
        stop_grace=float(definition["stop_grace"]),
        environment=str(definition.get("environment") or ""),
    )
    serial = definition["overlap"] != Job.Overlap.ALLOW
    return Claim(
        row.pk,
        str(row.uid),
        row.attempt + 1,
        row.job_id,
        serial,
        definition,
        spec,
        row.started_at or now,
        by_hand=row.trigger == Trigger.MANUAL,
        target=row.target,
        leased_at=began,
        scopes=concurrency.scopes_of(row),
        troubled=bool(getattr(row, "troubled", False)),
        plain=getattr(row, "plain", False),
    )
