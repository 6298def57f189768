"""The REST routes of a verb for many jobs: a dry run tells what would become of each, the same without it does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict, TypeVar

from rest_framework.request import Request

from accounts.models import Category, Team, User
from accounts.rest.permissions import account, needs
from audit.record import Actor
from executions.bulk import apply, preview
from executions.bulk.commands import BulkCommand, Verb
from executions.models import BulkAction, BulkResult
from jobs.models import Job, JobQuerySet
from jobs.rest.access import SURFACE
from jobs.rest.wire import read_until
from jobs.search.matching import Search
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import whole
from scheduler_site.rest.schema_types import Moment, Rules, Uid, one_of
from scheduler_site.rest.views import ApiError, ApiView, as_uuid

Row = TypeVar("Row", Team, Category)
MAX_REASON, MAX_QUERY, NAMED = 500, 300, 20
States = Annotated[str, "planned (a dry run), running, done or stopped.", one_of(BulkAction.State.values)]
VerbName = Annotated[str, "What to do.", one_of(Verb.values)]


class BulkChoice(TypedDict):
    """A verb, and the jobs: either `jobs` or `q`."""

    verb: VerbName
    jobs: NotRequired[Annotated[list[Uid], "Their ids.", Rules(maxItems=preview.MOST)]]
    q: NotRequired[
        Annotated[str, "All that a search finds, as the page of jobs has it.", Rules(maxLength=MAX_QUERY)]
    ]
    expected: NotRequired[
        Annotated[int | None, "How many jobs that must be; otherwise nothing is done.", Rules(minimum=0)]
    ]
    dry_run: NotRequired[Annotated[bool, "Only tell what would become of each."]]
    rest: NotRequired[Annotated[bool, "Do the others where some jobs may not or cannot be changed."]]
    reason: NotRequired[Annotated[str | None, "Of a pause.", Rules(maxLength=MAX_REASON)]]
    until: NotRequired[
        Annotated[Moment | None, "When a pause ends; without an offset in the scheduler's zone."]
    ]
    owner: NotRequired[Annotated[str | None, "The new owner, by name or e-mail address."]]
    team: NotRequired[
        Annotated[
            str | None,
            "The new team, by slug or name; null: none. `owner` changes it as well where it is given.",
        ]
    ]
    category: NotRequired[Annotated[str | None, "The new category, by slug or name."]]


class BulkLine(TypedDict):
    """A job that is not changed, or would not be."""

    id: Annotated[Uid, "Its id."]
    name: Annotated[str, "Its name."]
    reason: Annotated[str, "Why it is left out; empty where it is as asked for already."]


class BulkOutcome(TypedDict):
    """What became of a job."""

    id: Annotated[Uid | None, "Its id; null when it was gone."]
    name: Annotated[str, "Its name."]
    outcome: Annotated[str, "The outcome.", one_of(BulkResult.Outcome.values)]
    reason: Annotated[str, "Why it was refused."]


class BulkPlan(TypedDict):
    """What would become of the jobs."""

    count: Annotated[int, "How many would be changed."]
    unchanged: Annotated[list[BulkLine], "Those that are as asked for already."]
    left_out: Annotated[list[BulkLine], "Those that may not or cannot be changed."]
    gone: Annotated[int, "How many ids are of no job that this account may see."]
    skipped_due_times: Annotated[int, "How many due times fall into a pause; without `until`, in 24 hours."]


class BulkChange(TypedDict):
    """What was asked for, and what became of it so far."""

    id: Annotated[Uid | None, "Its id; null of a dry run."]
    verb: VerbName
    state: States
    total: Annotated[int, "How many jobs."]
    done: Annotated[int, "How many of them have a result."]
    plan: NotRequired[Annotated[BulkPlan, "Of a dry run."]]
    results: Annotated[list[BulkOutcome], "Of the jobs that have one, in the order of their names."]


class BulkView(ApiView):
    tag = "Jobs"
    method_permissions = {"POST": needs("jobs.change_job")}

    @route(
        "change_jobs",
        "What became of each job so far; where it is not over, it goes on, and GET tells how far it is.",
        {
            403: "The role is not for this account.",
            409: "Some jobs may not or cannot be changed and `rest` is not set, or there are not as many as `expected`. "
            "Nothing was done.",
        },
        request=BulkChoice,
        examples={
            "What a pause would skip": {"verb": "pause", "q": "team:ops", "dry_run": True},
            "A new team": {"verb": "team", "team": "ops", "q": "owner:uma", "expected": 11, "rest": True},
        },
    )
    def post(self, request: Request) -> Answer[BulkChange]:
        """Do something to many jobs.

        At most 10,000 at once. Each job is changed by itself, as by its own route, with an audit entry.
        """
        body, user = self.payload(), account(request)
        command, dry_run, rest = _command(body), _flag(body, "dry_run"), _flag(body, "rest")
        if not user.has_perm(command.permission):
            raise ApiError(403, "Insufficient permissions", "Your role may not do this to jobs.")
        jobs, query = _jobs(body, user)
        _expect(body, jobs)
        by = Actor.request(request, SURFACE)
        try:
            action = preview.make(command, jobs, by=by, query=query)
        except preview.TooMany as error:
            raise ApiError(400, "Too many jobs", f"At most {preview.MOST} jobs at once.") from error
        found = preview.of(action, command, user)
        found.gone += len(body["jobs"]) - action.total if "jobs" in body else 0
        if dry_run:
            action.delete()
            return Answer({**_report(action), "id": None, "plan": _plan_json(found)})
        if found.barred and not rest:
            action.delete()
            raise ApiError(409, "Not possible for all jobs", _named(found))
        apply.begin(action)
        return Answer(_report(BulkAction.objects.get(pk=action.pk)))


class BulkActionView(ApiView):
    tag = "Jobs"

    @route("get_bulk_change", "How far it is, and what became of each job.", {404: "There is none of yours."})
    def get(self, request: Request, bulk_id: str) -> Answer[BulkChange]:
        """One change of many jobs.

        Of this account.
        """
        uid = as_uuid(bulk_id)
        found = BulkAction.objects.visible_to(account(request)).filter(uid=uid).first() if uid else None
        if found is None:
            raise ApiError(404, "Not found", "There is no change of many jobs with this id.")
        return Answer(_report(found))


def _command(body: Mapping[str, Any]) -> BulkCommand:
    verb = body.get("verb")
    if verb not in Verb.values:
        raise ApiError(400, "Invalid verb", f"Write one of {', '.join(Verb.values)}.")
    reason = body.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > MAX_REASON:
        raise ApiError(400, "Invalid reason", f"Write a text of at most {MAX_REASON} characters.")
    command = BulkCommand(
        verb,
        reason=reason,
        until=read_until(body.get("until"), future=True),
        owner=_owner(body.get("owner")),
        team=_named_row(Team, body.get("team"), "team"),
        category=_named_row(Category, body.get("category"), "category"),
    )
    if not command.complete:
        raise ApiError(400, f"Missing {verb}", f"Write the new {verb}.")
    if verb == Verb.TEAM and "team" not in body:
        raise ApiError(400, "Missing team", "Write the new team, or null for none.")
    return command


def _owner(value: Any) -> User | None:
    if value is None:
        return None
    found = User.objects.find(value) if isinstance(value, str) and "\0" not in value else None
    if found is None:
        raise ApiError(400, "Invalid owner", "There is no account with this name or address.")
    return found


def _named_row(model: type[Row], value: Any, name: str) -> Row | None:
    if value is None:
        return None
    found = model.find(value) if isinstance(value, str) and "\0" not in value else None
    if found is None or not found.is_active:
        raise ApiError(400, f"Invalid {name}", f"There is no {name} with this name.")
    return found


def _jobs(body: Mapping[str, Any], user: User) -> tuple[JobQuerySet, str]:
    visible = Job.objects.visible_to(user)
    ids, text = body.get("jobs"), body.get("q")
    if (ids is None) == (text is None):
        raise ApiError(400, "Invalid jobs", "Give either jobs or q.")
    if ids is not None:
        return visible.filter(uid__in=_uids(ids)), ""
    if not isinstance(text, str) or len(text) > MAX_QUERY or "\0" in text:
        raise ApiError(400, "Invalid q", f"Write a text of at most {MAX_QUERY} characters.")
    search = Search.read(text, user)
    if search.query.unknown:
        raise ApiError(400, "Invalid q", f"Unknown: {', '.join(search.query.unknown)}.")
    return search.found(visible), text


def _uids(ids: Any) -> list[uuid.UUID]:
    if not isinstance(ids, list) or len(ids) > preview.MOST:
        raise ApiError(400, "Invalid jobs", f"Write a list of at most {preview.MOST} ids.")
    uids = [as_uuid(one) if isinstance(one, str) else None for one in ids]
    if None in uids:
        raise ApiError(400, "Invalid jobs", "Each must be the id of a job.")
    return [uid for uid in uids if uid]


def _expect(body: Mapping[str, Any], jobs: JobQuerySet) -> None:
    if body.get("expected") is None:
        return
    expected = whole(body["expected"])
    if expected is None or expected < 0:
        raise ApiError(400, "Invalid expected", "Write a number.")
    if (count := jobs.count()) != expected:
        raise ApiError(409, "Another number of jobs", f"Now {count} match instead of {expected}.")


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ApiError(400, f"Invalid {name}", "Write true or false.")
    return value


def _named(found: preview.Preview) -> str:
    names = "; ".join(f"{line.name}: {line.why}" for line in found.barred[:NAMED])
    more = len(found.barred) - NAMED
    return f"{names}; and {more} more" if more > 0 else names


def _plan_json(found: preview.Preview) -> BulkPlan:
    return {
        "count": len(found.able),
        "unchanged": [_line(line) for line in found.unchanged],
        "left_out": [_line(line) for line in found.barred],
        "gone": found.gone,
        "skipped_due_times": found.skipped,
    }


def _line(line: preview.Line) -> BulkLine:
    return {"id": line.uid, "name": line.name, "reason": line.why}


def _report(action: BulkAction) -> BulkChange:
    results = action.results.order_by("place") if action.pk else []
    return {
        "id": str(action.uid),
        "verb": action.verb,
        "state": action.state,
        "total": action.total,
        "done": action.done,
        "results": [
            {
                "id": str(one.job_uid) if one.job_uid else None,
                "name": one.job_name,
                "outcome": one.outcome,
                "reason": one.text,
            }
            for one in results
        ],
    }
