"""Decides which alerts are sent to whom. Writes rows in the event's transaction; a task delivers them.

- The end of a run: after its last attempt. A failure opens an incident or counts for an open one (problems.py); people are
  told when it opens, and of each run by itself where the job says so. Successes where somebody asked for it. Scheduled runs,
  and those after another job, tell by e-mail and Slack, runs by hand only in the inbox, but each of them; a run that was
  stopped by hand tells nobody (v2 wire facts, 11 and 12).
- Missed due times and lost runs are noted (`Untold`) and gathered in executions/upkeep/conditions.py: many become one message.
- What was skipped because the job's own rule says so (overlap, pause, deletion) is told to nobody.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop as _

from executions.alerting import alert_texts, problems, unusual
from executions.alerting.cause import cause
from executions.models import Execution, Reason, State, Trigger, Untold, Watch
from executions.values import ON_TIME
from incidents import telling
from incidents import wording as incident_wording
from incidents.models import Incident
from incidents.telling import Audience
from jobs.models import Job
from jobs.runners import Outcome
from notifications.delivery import destinations
from notifications.delivery.post import About, admins, fan_out, post, to_destination
from notifications.messages import Message
from notifications.models import Alert, Destination
from notifications.texts import Text, Words
from notifications.thread import Phase, Thread
from scheduler_site.lib.database.errors import passes

if TYPE_CHECKING:
    from executions.values import Claim

log = logging.getLogger("executions.alerting.alerts")

Event = Alert.Event
FAILED = ("failed", "timeout", "error")
# Up to this many changes of one kind at once get their own message; more become one message.
FEW = 3
BATCH = 500


def ended(claim: Claim, outcome: Outcome, error: str, now: dt.datetime) -> None:
    """Called in the transaction in which a run gets its final state. Asks the database nothing unless there is news."""
    try:
        clocks, odd = _clocks(claim, outcome, now), unusual.wanted(claim, outcome)
        well = claim.troubled and outcome.state == "success"
        if claim.job is not None and (clocks or odd or well or _is_news(claim, outcome)):
            with transaction.atomic():
                _tell_end(claim, outcome, error, now)
                if well:
                    problems.ended_well(claim.job, now)
                watch((claim.job, claim.spec.job_id, since, clock) for clock, since in clocks)
                unusual.judge(claim, odd, now)
    except Exception as problem:
        if passes(problem):
            raise
        # That a run has ended is on record whatever goes wrong with telling it.
        log.exception("alert_failed", extra={"run": claim.uid})


def passed_over(rows: Iterable[Execution], now: dt.datetime) -> None:
    """Notes the due times that the tick records as missed, or as covered by a later run after an outage."""
    by_job: dict[int, list[Execution]] = {}
    for row in rows:
        coalesced = row.reason == Reason.COALESCED and row.due_at < now - ON_TIME
        if row.job_id and (row.state == State.MISSED or coalesced):
            by_job.setdefault(row.job_id, []).append(row)
    note(_passed(job, missed, now) for job, missed in by_job.items())


def unstarted(keys: list[int], now: dt.datetime) -> None:
    """Notes queued runs whose start deadline has passed."""
    rows = Execution.objects.filter(pk__in=keys).exclude(job=None).only("job_id", "due_at", "state", "reason")
    passed_over(rows, now)


def given_up(
    runs: Iterable[Execution], error: str, now: dt.datetime, kind: Incident.Kind = Incident.Kind.LOST
) -> None:
    """Of runs that were lost, or that could not be started: counts them, and notes those of which people are to be told."""
    rows = [run for run in runs if run.job_id]
    jobs = Job.objects.in_bulk({run.job_id for run in rows}) if rows else {}
    incidents = problems.given_up(rows, jobs, kind, error, now)
    told = [run for run in rows if _is_to_be_told(run, jobs, incidents)]
    note(
        Untold(
            key=f"run:{run.uid}",
            job_id=run.job_id,
            execution_uid=run.uid,
            error=error,
            first=run.due_at,
            last=run.due_at,
            at=now,
        )
        for run in told
        if run.job_id
    )


def _is_to_be_told(run: Execution, jobs: Mapping[int, Job], incidents: Mapping[int, Incident]) -> bool:
    """Unless it is one more of an incident that people know."""
    if (job := jobs.get(run.job_id or 0)) is None:
        return False
    incident = incidents.get(job.pk)
    if run.trigger == Trigger.MANUAL or job.tell_each_run or settings.INBOX_EVERY_RUN:
        return True
    # Of several of a job the newest stands for all.
    return incident is not None and incident.announced_at is None and incident.last_run == run.uid


def note(rows: Iterable[Untold]) -> None:
    if found := list(rows):
        Untold.objects.bulk_create(found, ignore_conflicts=True, batch_size=BATCH)


def watch(found: Iterable[tuple[int, str, dt.datetime, Watch.Clock]]) -> None:
    """Starts to watch jobs (key, uid, since when, for what), those excepted that are watched for that already."""
    rows = [Watch(subject=uid, clock=clock, job_id=job, since=since) for job, uid, since, clock in found]
    if rows:
        Watch.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def _passed(job: int, rows: list[Execution], now: dt.datetime) -> Untold:
    first = min(row.due_at for row in rows)
    return Untold(
        key=f"passed:{job}:{first.isoformat()}",
        job_id=job,
        slots=sum(row.slots for row in rows),
        made_up=sum(row.slots for row in rows if row.reason == Reason.COALESCED),
        first=first,
        last=max(row.last_slot or row.due_at for row in rows),
        at=now,
    )


def _clocks(claim: Claim, outcome: Outcome, now: dt.datetime) -> list[tuple[Watch.Clock, dt.datetime]]:
    """The clocks that this run has broken: told from what the worker has in hand."""
    if outcome.state == "stopped":
        return []
    start_by, finish_by = claim.policy.get("start_by"), claim.policy.get("finish_by")
    due, started = claim.spec.slot, claim.started_at
    broken = []
    if start_by and due and started - due > dt.timedelta(seconds=start_by):
        broken.append((Watch.Clock.LATE, due))
    if finish_by and now - started > dt.timedelta(seconds=finish_by):
        broken.append((Watch.Clock.OVERRUN, started))
    return broken


def _is_news(claim: Claim, outcome: Outcome) -> bool:
    if outcome.state == "success":
        wanted = claim.policy.get("alerts", {}).get("on_success", False)
        return bool(wanted or claim.by_hand or settings.INBOX_EVERY_RUN)
    return outcome.state in FAILED


def _tell_end(claim: Claim, outcome: Outcome, error: str, now: dt.datetime) -> None:
    if not _is_news(claim, outcome):
        return
    job = Job.objects.select_related("team", "owner").filter(pk=claim.job or 0).first()
    if job is None:
        return
    name, uid = claim.spec.job_name, claim.spec.job_id
    if outcome.state == "success":
        message = alert_texts.succeeded(name, uid, claim.uid, (now - claim.started_at).total_seconds())
        _tell_run(claim, job, Event.JOB_SUCCEEDED, message, now)
        return
    kind = Incident.Kind.COULD_NOT_START if outcome.state == "error" else Incident.Kind.FAILING
    due = claim.spec.slot or claim.started_at
    incident = problems.failed(job, kind, uuid.UUID(claim.uid), error, due, now)
    _tell_failure(claim, job, incident, error, now)


def _tell_failure(claim: Claim, job: Job, incident: Incident | None, error: str, now: dt.datetime) -> None:
    """This run by itself, where that is asked for; and that an incident is open, once."""
    each = job.tell_each_run and not claim.by_hand
    opens = incident is not None and incident.announced_at is None and not claim.by_hand
    by_itself = each or claim.by_hand or settings.INBOX_EVERY_RUN
    # One more of what people know costs no more than its count.
    if not (opens or by_itself) or (each and telling.is_muted(job.uid, now)):
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
        opened = telling.mark_announced(incident, audience, now)
        return replace(message, thread=Thread.of(incident.uid, Phase.OPENED if opened else Phase.NONE))
    opening = incident_wording.opening(incident, message)
    telling.announce(incident, Event.JOB_FAILED, opening, audience, now)
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


# One event, or many at once ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """A change of state of a job: its message when told alone, its line in a summary. `key` names the event."""

    job: Job
    event: Alert.Event
    key: str
    message: Message
    line: Words
    execution_uid: uuid.UUID | None = None
    # Manual runs, and jobs without e-mail, are reported in the inbox only.
    inbox_only: bool = False
    # The incident that this opens or ends.
    incident: Incident | None = None

    @property
    def emails(self) -> list[str]:
        wanted = self.job.enable_email_notifications and not self.inbox_only
        return self.job.notification_emails if wanted else []


def tell_opened(items: list[Item], headline: Words, path: str, now: dt.datetime) -> bool:
    """As `tell`, of incidents that nobody was told of before, and whose jobs are not muted."""
    in_one, administrators = len(items) > FEW, admins()
    fresh = [
        item
        for item in items
        if item.incident is None
        or telling.mark_announced(item.incident, _audience_of(item, administrators), now, quiet=in_one)
    ]
    return tell(fresh, headline, path, now, in_one=in_one)


def _audience_of(item: Item, administrators: list[str]) -> Audience:
    owner = item.job.owner.uid if item.job.owner else None
    job = item.job
    people = people_of(job, administrators)
    return Audience(people, item.emails, not item.inbox_only, owner, job.destinations, job.team_id)


def tell(
    items: list[Item], headline: Words, path: str, now: dt.datetime, *, in_one: bool | None = None
) -> bool:
    """Each of a few by itself; of more each recipient gets one message. True when it was one message for all.

    The items' jobs come with `team` and `owner`.
    """
    if not items:
        return False
    administrators = admins()
    if not (len(items) > FEW if in_one is None else in_one):
        for item in items:
            _tell_one(item, administrators, now)
        return False
    event = Event.RECOVERED if items[0].event == Event.RECOVERED else Event.SUMMARY
    key = f"summary:{items[0].key}"
    rows = []
    for place, theirs in _by_destination(items).items():
        rows.append(to_destination(place, key, event, _in_one(theirs, headline, path), now))
    for recipient, theirs in _by_recipient(items, administrators).items():
        some = Text(
            _("%(count)s of your jobs: %(title)s"), count=str(len(theirs)), title=theirs[0].message.title
        )
        message = _in_one(theirs, headline if len(theirs) == len(items) else some, path)
        one = f"{key}:{uuid.uuid5(uuid.NAMESPACE_URL, recipient).hex}"
        by_inbox = recipient.startswith("user:")
        people, emails = ([recipient], []) if by_inbox else ([], [recipient])
        rows += fan_out(one, event, message, now, people=people, emails=emails, slack=False)
    post(rows)
    return True


def about_job(job: Job, execution: uuid.UUID | None = None) -> About:
    """What an alert says of a job, and by which it finds those who hear of it."""
    owner = job.owner.uid if job.owner else None
    return About(job.uid, job.name, execution, owner, job.destinations, job.team_id)


def mention_of(job: Job) -> str:
    return job.team.slack_handle if job.team else ""


def people_of(job: Job, administrators: list[str]) -> list[str]:
    """The inboxes of a job's owner and of the administrators."""
    owner = f"user:{job.owner.uid}" if job.owner else ""
    return [*administrators, *([owner] if owner and owner not in administrators else [])]


def _tell_one(item: Item, administrators: list[str], now: dt.datetime) -> None:
    phase = Phase.RECOVERED if item.event == Event.RECOVERED else Phase.OPENED
    thread = Thread.of(item.incident.uid, phase) if item.incident else item.message.thread
    about = about_job(item.job, item.execution_uid)
    post(
        fan_out(
            item.key,
            item.event,
            replace(item.message, thread=thread),
            now,
            people=people_of(item.job, administrators),
            emails=item.emails,
            slack=not item.inbox_only,
            about=about,
        )
    )


def _in_one(items: list[Item], headline: Words, path: str) -> Message:
    """What is said of them all; of one it is its own message."""
    if len(items) == 1:
        return items[0].message
    mark = "✅" if items[0].event == Event.RECOVERED else "🔴"
    return alert_texts.summary(mark, headline, [item.line for item in items], path)


def _by_destination(items: list[Item]) -> dict[Destination | None, list[Item]]:
    """The jobs that each service is told of, by what they or their teams chose."""
    chosen: dict[tuple[str, int | None], list[Item]] = {}
    for item in items:
        if not item.inbox_only:
            chosen.setdefault((item.job.destinations, item.job.team_id), []).append(item)
    found: dict[Destination | None, list[Item]] = {}
    for choice, some in chosen.items():
        for place in destinations.chosen(*choice):
            found.setdefault(place, []).extend(some)
    return found


def _by_recipient(items: list[Item], administrators: list[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        for recipient in dict.fromkeys([*people_of(item.job, administrators), *item.emails]):
            found.setdefault(recipient, []).append(item)
    return found
