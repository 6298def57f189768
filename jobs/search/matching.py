"""The jobs that a search asks for, and how lists of them are sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.models import Category, Team, User, slugify
from incidents.models import Incident
from jobs.models import Job, JobQuerySet, today
from jobs.models.queries import ownerless
from jobs.search.query import Query, parse

# What the open incidents of a job say of it.
FAILING = (Incident.Kind.FAILING, Incident.Kind.COULD_NOT_START, Incident.Kind.LOST)
LATE = (Incident.Kind.LATE, Incident.Kind.MISSED, Incident.Kind.OVERRUN)
# Where a word is looked for: in the job, and in the names of what it refers to.
SHOWN_IN = ("name", "description", "options__target_url")
_NAMED: dict[str, tuple[type[Team | User | Category], str]] = {
    "team": (Team, "name"),
    "owner": (User, "username"),
    "category": (Category, "name"),
}
TABS = ("failing", "paused", "late", "mine")
# Keys, or the rows that have them.
Found = list[int] | QuerySet[Any, Any]
# Jobs without a value come last, whichever way the list is sorted.
_COLUMNS = {
    "name": "name",
    "kind": "kind",
    "next": "next_run_at",
    "team": "team__name",
    "owner": "owner__username",
    "category": "category__name",
    "updated": "updated_at",
}
SORTS = {sign + name for name in _COLUMNS for sign in ("", "-")}


@dataclass(frozen=True)
class Search:
    """What is asked for, and by whom."""

    query: Query
    user: User

    @classmethod
    def read(cls, text: str, user: User) -> Search:
        return cls(parse(text, tuple(Job.Kind.values)), user)

    def found(self, jobs: JobQuerySet) -> JobQuerySet:
        """Those of `jobs` that it asks for."""
        if self.query.hopeless:
            return jobs.none()
        for word in self.query.words:
            jobs = jobs.filter(_anywhere(word))
        for key, values in self.query.keys.items():
            jobs = jobs.filter(self._key(key, values))
        for state in self.query.states:
            jobs = jobs.filter(self.state(state))
        return jobs

    def state(self, name: str) -> Q:
        match name:
            case "paused":
                return Q(periodic_task__enabled=False)
            case "active":
                return Q(periodic_task__enabled=True, quarantine_reason="", code_suspended="")
            case "invalid":
                return ~Q(quarantine_reason="")
            case "suspended":
                return ~Q(code_suspended="")
            case "manual":
                return Q(periodic_task=None)
            case "ended":
                return Q(end_date__lt=today())
            case "mine":
                return Q(owner=self.user)
            case "ownerless":
                return ownerless()
            case "running":
                return Q(pk__in=_with_runs(executions__state="running"))
            case "failing":
                return Q(uid__in=_with_incidents(FAILING))
            case "late":
                return Q(uid__in=_with_incidents(LATE))
        raise ValueError(name)

    def _key(self, key: str, values: tuple[str, ...]) -> Q:
        if key == "kind":
            return Q(kind__in=[value.lower() for value in values])
        asked = Q()
        for value in values:
            asked |= self._one(key, value)
        return asked

    def _one(self, key: str, value: str) -> Q:
        if value.lower() == "none":
            return Q(**{key: None})
        if key == "owner":
            return Q(owner=self.user) if value.lower() == "me" else Q(owner__in=_people(value))
        return Q(**{f"{key}__in": _named(Team if key == "team" else Category, value)})


def in_order(jobs: JobQuerySet, sort: str) -> JobQuerySet:
    """Sorted by a column; `-` before its name turns the order round."""
    name = sort.removeprefix("-")
    column = F(_COLUMNS[name])
    order: Any = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    # A plain name lets the database go through its index.
    by = sort if name == "name" else order
    return jobs.order_by(by, "name", "pk")


def _with_incidents(kinds: tuple[Incident.Kind, ...]) -> QuerySet[Incident, Any]:
    """Few, however many jobs there are."""
    return Incident.objects.filter(open_job__isnull=False, kind__in=kinds).order_by().values("open_job")


def _with_runs(**conditions: Any) -> QuerySet[Job, Any]:
    return Job.objects.filter(**conditions).order_by().values("pk")


def _anywhere(word: str) -> Q:
    asked = Q()
    for name in SHOWN_IN:
        asked |= Q(**{f"{name}__icontains": word})
    for name, (model, column) in _NAMED.items():
        # Not by a join: it would be made for each job that is looked at.
        named = model._default_manager.filter(**{f"{column}__icontains": word}).order_by().values("pk")
        asked |= Q(**{f"{name}__in": named})
    return asked


def _people(value: str) -> Found:
    """The account of that name or address, else those whose name has it in it."""
    exact = User.objects.filter(Q(username__iexact=value) | Q(email__iexact=value))
    return _keys(exact) or User.objects.filter(username__icontains=value).values("pk")


def _named(model: type[Team | Category], value: str) -> Found:
    rows = model._default_manager.all()
    exact = rows.filter(Q(name__iexact=value) | Q(slug=slugify(value) or value))
    return _keys(exact) or rows.filter(name__icontains=value).values("pk")


def _keys(rows: QuerySet[Any, Any]) -> list[int]:
    """Themselves and no subquery: so the database knows which jobs it will find, and goes the shortest way."""
    return list(rows.order_by().values_list("pk", flat=True))
