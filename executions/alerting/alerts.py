"""Decides which alerts the end of a run sends, and to whom. Writes rows in the event's transaction; a task delivers them.

- After the last attempt only. A failure opens an incident or counts for an open one (incident_triggers.py); people are
  told when it opens, and of each run by itself where the job says so. Successes where somebody asked for it. Scheduled runs,
  and those after another job, tell by e-mail and Slack, runs by hand only in the inbox, but each of them; a run that was
  stopped by hand tells nobody (v2 wire facts, 11 and 12).
- What was skipped because the job's own rule says so (overlap, pause, deletion) is told to nobody.
- Missed due times and lost runs: pending.py.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from executions.alerting import alert_texts, incident_triggers, pending, unusual
from executions.alerting.cause import cause
from executions.alerting.recipients import about_job, mention_of
from executions.models import AlertCondition, Execution
from incidents import alert_texts as incident_texts
from incidents import notify
from incidents.models import Incident
from incidents.notify import Audience
from jobs.models import Job
from jobs.runners import Outcome
from notifications.delivery.outbox import fan_out, post
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert
from scheduler_site.lib.database.errors import passes

if TYPE_CHECKING:
    from executions.values import Claim

log = logging.getLogger("executions.alerting.alerts")

Event = Alert.Event
FAILED = ("failed", "timeout", "error")
# What a message about a good run needs.
TOLD_OF_JOB = ("uid", "name", "category", "destinations", "owner__uid", "team__slack_handle")


def run_ended(claim: Claim, outcome: Outcome, error: str, now: dt.datetime) -> None:
    """Called in the transaction in which a run gets its final state. Asks the database nothing unless there is news."""
    try:
        broken, odd = _broken_deadlines(claim, outcome, now), unusual.wanted(claim, outcome)
        well = claim.troubled and outcome.state == "success"
        if claim.job is not None and (broken or odd or well or _is_news(claim, outcome)):
            with transaction.atomic():
                _tell_end(claim, outcome, error, now)
                if well:
                    incident_triggers.run_succeeded(claim.job, now)
                pending.record_conditions(
                    (claim.job, claim.spec.job_id, since, kind) for kind, since in broken
                )
                unusual.judge(claim, odd, now)
    except Exception as problem:
        if passes(problem):
            raise
        # That a run has ended is on record whatever goes wrong with telling it.
        log.exception("alert_failed", extra={"run": claim.uid})


def _broken_deadlines(
    claim: Claim, outcome: Outcome, now: dt.datetime
) -> list[tuple[AlertCondition.Kind, dt.datetime]]:
    """What this run has broken, and since when: its deadlines are in what the worker knows of it."""
    if outcome.state == "stopped":
        return []
    start_by, finish_by = claim.policy.get("start_by"), claim.policy.get("finish_by")
    due, started = claim.spec.slot, claim.started_at
    broken = []
    if start_by and due and started - due > dt.timedelta(seconds=start_by):
        broken.append((AlertCondition.Kind.LATE, due))
    if finish_by and now - started > dt.timedelta(seconds=finish_by):
        broken.append((AlertCondition.Kind.OVERRUN, started))
    return broken


def _is_news(claim: Claim, outcome: Outcome) -> bool:
    if outcome.state == "success":
        wanted = claim.policy.get("alerts", {}).get("on_success", False)
        return bool(wanted or claim.by_hand or settings.INBOX_EVERY_RUN)
    return outcome.state in FAILED


def _tell_end(claim: Claim, outcome: Outcome, error: str, now: dt.datetime) -> None:
    if not _is_news(claim, outcome):
        return
    jobs = Job.objects.select_related("team", "owner")
    if outcome.state == "success":
        jobs = jobs.only(*TOLD_OF_JOB)
    job = jobs.filter(pk=claim.job or 0).first()
    if job is None:
        return
    name, uid = claim.spec.job_name, claim.spec.job_id
    if outcome.state == "success":
        message = alert_texts.succeeded(name, uid, claim.uid, (now - claim.started_at).total_seconds())
        _tell_run(claim, job, Event.JOB_SUCCEEDED, message, now)
        return
    kind = Incident.Kind.COULD_NOT_START if outcome.state == "error" else Incident.Kind.FAILING
    due = claim.spec.slot or claim.started_at
    incident = incident_triggers.run_failed(job, kind, uuid.UUID(claim.uid), error, due, now)
    _tell_failure(claim, job, incident, error, now)


def _tell_failure(claim: Claim, job: Job, incident: Incident | None, error: str, now: dt.datetime) -> None:
    """This run by itself, where that is asked for; and that an incident is open, once."""
    each = job.tell_each_run and not claim.by_hand
    opens = incident is not None and incident.announced_at is None and not claim.by_hand
    by_itself = each or claim.by_hand or settings.INBOX_EVERY_RUN
    # One more of what people know costs no more than its count.
    if not (opens or by_itself) or (each and notify.is_muted(job.uid, now)):
        return
    run = Execution.objects.filter(pk=claim.pk).first()
    message = alert_texts.failed(
        claim.spec.job_name,
        claim.spec.job_id,
        claim.uid,
        error[:2000],
        mention_of(job),
        cause(run) if run else None,
    )
    if incident is not None and not claim.by_hand:
        message = _opened(claim, job, incident, message, now, each=each)
    if by_itself:
        _tell_run(claim, job, Event.JOB_FAILED, message, now, inbox_only=not each)


def _opened(
    claim: Claim, job: Job, incident: Incident, message: Message, now: dt.datetime, *, each: bool
) -> Message:
    """Tells that it is open. Where each run is told anyway, its message says so itself."""
    audience = _audience(claim, job)
    if each:
        opened = notify.mark_announced(incident, audience, now)
        return replace(
            message, thread=IncidentThread.of(incident.uid, Phase.OPENED if opened else Phase.NONE)
        )
    opening = incident_texts.opening(incident, message)
    notify.announce(incident, Event.JOB_FAILED, opening, audience, now)
    return message


def _audience(claim: Claim, job: Job) -> Audience:
    """Who hears of an incident that a run opens. Inboxes that get each run need no other item."""
    each = job.tell_each_run or settings.INBOX_EVERY_RUN
    people = [] if each else [f"category:{job.category_id}"]
    account = job.owner.uid if job.owner else None
    return Audience(people, _emails(claim, Event.JOB_FAILED), True, account, job.destinations, job.team_id)


def _tell_run(
    claim: Claim,
    job: Job,
    event: Alert.Event,
    message: Message,
    now: dt.datetime,
    *,
    inbox_only: bool = False,
) -> None:
    emails = [] if inbox_only else _emails(claim, event)
    slack = event == Event.JOB_FAILED and not claim.by_hand and not inbox_only
    about = replace(about_job(job, uuid.UUID(claim.uid)), job_name=claim.spec.job_name)
    key = f"execution:{claim.uid}:{event}"
    everybody = [f"category:{job.category_id}"]
    post(fan_out(key, event, message, now, people=everybody, emails=emails, slack=slack, about=about))


def _emails(claim: Claim, event: Alert.Event) -> list[str]:
    """The e-mail recipients in the job's definition when this run fell due; none for manual runs."""
    alerts = claim.policy.get("alerts", {})
    wanted = event == Event.JOB_FAILED or alerts.get("on_success", False)
    emails: list[str] = alerts.get("emails", [])
    return emails if wanted and not claim.by_hand else []
