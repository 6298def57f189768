"""The command for many jobs: a verb with its arguments, stored as JSON, and the verb's implementation in its app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Category, Team, User
from accounts.roles import home_category
from audit.record import Actor
from executions.ledger import launch
from executions.models import BulkAction
from jobs import handover, verbs
from jobs.models import Job
from jobs.verbs import JobChanges

Verb = BulkAction.Verb
PERMISSIONS = {
    Verb.RUN: "jobs.run_job",
    Verb.PAUSE: "jobs.change_job",
    Verb.RESUME: "jobs.change_job",
    Verb.OWNER: "jobs.change_all_jobs",
    Verb.TEAM: "jobs.change_job",
    Verb.CATEGORY: "jobs.change_job",
    Verb.DELETE: "jobs.delete_job",
}


@dataclass(frozen=True)
class BulkCommand:
    """A verb with what it needs. Of the verb team none is meant where there is none; with a new owner the team stays then."""

    verb: str
    reason: str = ""
    until: dt.datetime | None = None
    owner: User | None = None
    team: Team | None = None
    category: Category | None = None

    @property
    def permission(self) -> str:
        return PERMISSIONS[Verb(self.verb)]

    @property
    def complete(self) -> bool:
        """Whether it says what is to be done; a preview may still lack it."""
        return (self.verb != Verb.OWNER or self.owner is not None) and (
            self.verb != Verb.CATEGORY or self.category is not None
        )

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "reason": self.reason,
            "until": self.until.isoformat() if self.until else None,
            "owner": self.owner.pk if self.owner else None,
            "team": self.team.pk if self.team else None,
            "category": self.category.pk if self.category else None,
        }
        return {key: value for key, value in told.items() if value not in ("", None)}

    @classmethod
    def of(cls, action: BulkAction) -> BulkCommand:
        """As it is stored; who or what has gone since is none."""
        kept = action.options
        until = kept.get("until")
        return cls(
            action.verb,
            kept.get("reason", ""),
            dt.datetime.fromisoformat(until) if until else None,
            User.objects.filter(pk=kept.get("owner")).first() if kept.get("owner") else None,
            Team.objects.filter(pk=kept.get("team")).first() if kept.get("team") else None,
            Category.objects.filter(pk=kept.get("category")).first() if kept.get("category") else None,
        )


def impossible(job: Job, command: BulkCommand, user: User, *, held: bool = False) -> str:
    """Why it cannot be done to a job that the user may change; empty where nothing is known against it. For previews: the verb
    itself decides."""
    match command.verb:
        case Verb.RUN if job.has_ended:
            return _("The job's end date has passed.")
        case Verb.RUN if job.code_suspended:
            return _("Its code is suspended.")
        case Verb.RUN if held:
            return _("Its starts are held.")
        case Verb.PAUSE if job.periodic_task_id is None:
            return _("It has no schedule that could be paused.")
        case Verb.RESUME if job.has_ended:
            return _("The job's end date has passed.")
        case Verb.OWNER if command.owner is not None:
            return handover.why_not(job, command.owner, by=user)
        case Verb.CATEGORY if command.category and home_category(user) not in (None, command.category.pk):
            return _("You may not use this category.")
    return ""


def unchanged(job: Job, command: BulkCommand) -> bool:
    """Whether the job is already as it is to be."""
    match command.verb:
        case Verb.PAUSE:
            return not job.timing.enabled
        case Verb.RESUME:
            return job.periodic_task_id is None or (job.timing.enabled and not job.quarantine_reason)
        case Verb.OWNER:
            same_team = command.team is None or job.team_id == command.team.pk
            return command.owner is not None and job.owner_id == command.owner.pk and same_team
        case Verb.TEAM:
            return job.team_id == (command.team.pk if command.team else None)
        case Verb.CATEGORY:
            return command.category is not None and job.category_id == command.category.pk
    return False


def carry_out(job: Job, command: BulkCommand, by: Actor) -> bool:
    """Does it. False where nothing changed. Raises Refused, Job.DoesNotExist."""
    return ACTS[Verb(command.verb)](job, command, by)


def _run(job: Job, _command: BulkCommand, by: Actor) -> bool:
    launch.launch(job, by=by)
    return True


def _pause(job: Job, command: BulkCommand, by: Actor) -> bool:
    return verbs.pause(job, by=by, reason=command.reason, until=command.until)


def _resume(job: Job, _command: BulkCommand, by: Actor) -> bool:
    return verbs.resume(job, by=by)


def _owner(job: Job, command: BulkCommand, by: Actor) -> bool:
    if command.owner is None:
        raise verbs.Refused(_("The account is no longer there."))
    given = handover.hand_over(job, command.owner, by=by)
    return (command.team is not None and _set(job, by, "team", command.team)) or given


def _team(job: Job, command: BulkCommand, by: Actor) -> bool:
    return _set(job, by, "team", command.team)


def _category(job: Job, command: BulkCommand, by: Actor) -> bool:
    if command.category is None:
        raise verbs.Refused(_("The category is no longer there."))
    if by.user and home_category(by.user) not in (None, command.category.pk):
        raise verbs.Refused(_("You may not use this category."))
    return _set(job, by, "category", command.category)


def _set(job: Job, by: Actor, name: str, value: Team | Category | None) -> bool:
    changes = JobChanges(values={name: value}).differing(job)
    if not changes.values:
        return False
    verbs.update(job, changes, by=by)
    return True


def _delete(job: Job, _command: BulkCommand, by: Actor) -> bool:
    verbs.delete(job, by=by)
    return True


ACTS: dict[Verb, Callable[[Job, BulkCommand, Actor], bool]] = {
    Verb.RUN: _run,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.OWNER: _owner,
    Verb.TEAM: _team,
    Verb.CATEGORY: _category,
    Verb.DELETE: _delete,
}
