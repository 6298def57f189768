"""Creates the rows of runs: scheduled, manual, and triggered by another run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.record import Actor, difference, masked, record
from executions.ledger import definitions
from executions.ledger.catch_up import Planned
from executions.ledger.limits import holds, quotas
from executions.ledger.limits.overlap import apply_overlap, in_the_way
from executions.ledger.publish import publish
from executions.models import Execution, State, Trigger
from jobs import code_permission
from jobs import quotas as job_quotas
from jobs.changes import secret_targets
from jobs.models import Job, Script, by_digest, with_text
from jobs.runners import RUNNERS
from jobs.verbs import Ended, Refused
from scheduler_site.lib import clock, credentials
from scheduler_site.lib.database import uids
from scheduler_site.lib.deferred import Wait


def row(job: Job, due_at: dt.datetime, now: dt.datetime, trigger: Trigger) -> Execution:
    """An unsaved row of `job`, with the definition as it is now. `definitions.keep` comes before it is written."""
    definition = job.definition()
    execution = Execution(
        uid=uids.in_order(),
        job_id=job.pk,
        job_name=job.name,
        job_uid=job.uid,
        kind=job.kind,
        definition=definition,
        target=_target(definition),
        category_id=job.category_id,
        priority=job.priority,
        limit_key=job.limit_key,
        trigger=trigger,
        due_at=due_at,
        created_at=now,
    )
    execution.common = definition
    return execution


def scheduled_row(job: Job, planned: Planned, now: dt.datetime) -> Execution:
    """The row of a due time (or of a summarised stretch of them)."""
    execution = row(job, planned.slot, now, Trigger.SCHEDULED)
    execution.scheduled_for = planned.slot
    execution.state, execution.reason = planned.state, planned.reason
    execution.slots, execution.last_slot = planned.slots, planned.last
    if planned.state == State.QUEUED:
        execution.start_before = planned.slot + dt.timedelta(seconds=job.start_deadline)
    else:
        execution.finished_at = now
    return execution


@transaction.atomic
def launch(
    job: Job, *, by: Actor, overrides: dict[str, Any] | None = None, despite_hold: bool = False
) -> Execution:
    """Runs a job now. `overrides` may replace `metadata`, single `options` and `secrets` for this run; the job stays as it is.

    Raises CodeSuspended for code that its owner, or who asks, may not run; Ended when the job's end date has passed; Refused
    when a run goes on and the job's rule is to skip, and for overrides that are too large; TooMany when the account asks too
    often; Held while its starts are held, unless with `despite_hold` by somebody who may hold them.
    """
    now = clock.now()
    quotas.may_ask(by.user, now)
    _check_size(overrides or {})
    job = Job.objects.select_for_update().get(pk=job.pk)
    code_permission.require(job, by.user)
    if job.has_ended:
        raise Ended
    exempt = holds.refuse_held(job, despite=despite_hold, by=by)
    execution = row(job, now, now, Trigger.MANUAL)
    apply_overlap(job, [execution], in_the_way(job), now)
    if execution.state == State.SKIPPED:
        raise Refused(_("A run of this job has not ended yet."))
    execution.requested_by, execution.exempt = by.user, exempt
    _override(execution, job, overrides or {})
    definitions.keep([execution])
    execution.save()
    told = execution.full_definition | {"options": _told_options(execution)}
    changes = credentials.masked(difference(job.definition() | {"options": job.options}, told))
    changes |= masked({}, execution.secrets)
    if exempt:
        changes |= {"override_hold": {"old": False, "new": True}}
    record(Entry.Event.CUSTOM_RUN, job, by=by, changes=changes, description=execution.uid.hex)
    if not execution.held:
        transaction.on_commit(partial(publish, [execution]))
    return execution


def _check_size(overrides: dict[str, Any]) -> None:
    for name, text in job_quotas.problems(overrides, None):
        raise Refused(f"{name}: {text}")


def ended(keys: Collection[int]) -> Collection[int]:
    """The keys of runs that are not open (any more)."""
    going = Execution.objects.filter(pk__in=keys).open().values_list("pk", flat=True)
    return set(keys) - set(going)


def until_ended(execution: Execution, seconds: float) -> Wait:
    """For the end of a run."""
    return Wait(execution.pk, seconds, ended)


def _override(execution: Execution, job: Job, overrides: dict[str, Any]) -> None:
    """What goes to another place than the job's own goes without its secrets (jobs/changes/secret_targets.py)."""
    definition = dict(execution.definition)
    if "metadata" in overrides:
        definition["metadata"] = overrides["metadata"]
    if "options" in overrides:
        options = definition["options"] | overrides["options"]
        if execution.kind == Job.Kind.SCRIPT:
            Script.keep(options)
            options = by_digest(options)
        definition["options"] = options
    definition, execution.kept_back = secret_targets.for_run(job, definition, overrides)
    execution.definition, execution.secrets = definition, overrides.get("secrets", {})
    execution.target = _target(definition)


def _told_options(execution: Execution) -> dict[str, Any]:
    """As the audit trail tells them: with the text of a script."""
    definition = execution.full_definition
    return with_text(definition["options"], Script.texts([definition]))


def _target(definition: dict[str, Any]) -> str:
    runner = RUNNERS.get(definition["kind"])
    return runner.target(definition["options"], definition["metadata"])[:500] if runner else ""
