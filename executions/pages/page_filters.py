"""What the list of executions can be narrowed to, and its pages."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from executions.models import BAD, FINAL, NOT_RUN, OPEN, Execution, ExecutionQuerySet, State, Trigger
from jobs.models import Job
from jobs.templatetags.timing import zone_of

PAGE_SIZE = 50
# So many jobs may be named in a statement.
FEW = 500
GROUPS: dict[str, tuple[str, ...]] = {"open": OPEN, "ended": FINAL, "bad": BAD, "not-run": NOT_RUN}
STATES = [
    (
        _("Groups"),
        [
            ("open", _("in progress")),
            ("ended", _("finished")),
            ("bad", _("failed")),
            ("not-run", _("not run")),
        ],
    ),
    (_("States"), State.choices),
]
DATES = [MinValueValidator(dt.date(1970, 1, 2)), MaxValueValidator(dt.date(9000, 1, 1))]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Microseconds since 1970 and the key of a row: what the list is sorted by.
PLACE = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)


class ExecutionFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped library
    q = django_filters.CharFilter(label=_("Job"), method="by_name")
    job = django_filters.UUIDFilter(method="by_job")
    state = django_filters.ChoiceFilter(
        label=_("State"), choices=STATES, method="by_state", empty_label=_("all")
    )
    trigger = django_filters.ChoiceFilter(label=_("Trigger"), choices=Trigger.choices, empty_label=_("all"))
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Job.Kind.choices, empty_label=_("all"))
    start = django_filters.DateFilter(label=_("From"), method="from_date", validators=DATES)
    end = django_filters.DateFilter(label=_("To"), method="to_date", validators=DATES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("start", "end"):
            self.form.fields[name].widget.input_type = "date"

    @cached_property
    def of_job(self) -> Job | None:
        """The one job whose rows are asked for, where there is one and the reader may see it."""
        uid = self.form.cleaned_data.get("job") if self.form.is_valid() else None
        return Job.objects.visible_to(self.request.user).filter(uid=uid).first() if uid else None

    @cached_property
    def zone(self) -> str:
        """In which the rows are shown, and the dates of the filter meant: the job's, of many jobs the scheduler's."""
        return zone_of(self.of_job)

    def by_name(self, rows: ExecutionQuerySet, name: str, value: str) -> ExecutionQuerySet:
        # By way of the few jobs, so that the many rows are found through their index.
        named = Job.objects.filter(name__icontains=value)
        # Few are named one by one: of a subquery PostgreSQL expects that it finds half of the ledger.
        few = list(named.values_list("pk", flat=True)[: FEW + 1])
        jobs = Q(job__in=few) if len(few) <= FEW else Q(job__in=named)
        return rows.filter(jobs | Q(job=None, job_name__icontains=value))

    def by_job(self, rows: ExecutionQuerySet, name: str, value: uuid.UUID) -> ExecutionQuerySet:
        job = Job.objects.filter(uid=value).first()
        return rows.filter(job=job) if job else rows.filter(job_uid=value)

    def by_state(self, rows: ExecutionQuerySet, name: str, value: str) -> ExecutionQuerySet:
        return rows.filter(state__in=GROUPS.get(value, (value,)))

    def from_date(self, rows: ExecutionQuerySet, name: str, value: dt.date) -> ExecutionQuerySet:
        return rows.filter(due_at__gte=_midnight(value, self.zone))

    def to_date(self, rows: ExecutionQuerySet, name: str, value: dt.date) -> ExecutionQuerySet:
        return rows.filter(due_at__lt=_midnight(value + dt.timedelta(days=1), self.zone))


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone))


@dataclass(frozen=True)
class Page:
    """Rows newest first, and the places where the pages beside it begin (empty: there is none)."""

    rows: list[Execution]
    older: str = ""
    newer: str = ""


def page_of(rows: ExecutionQuerySet, before: str = "", after: str = "", size: int = PAGE_SIZE) -> Page:
    """The rows beyond a place: a page costs the same however far down the ledger it lies.

    Raises ValueError for a place that is none.
    """
    if after:
        due_at, key = _place(after)
        newer = rows.filter(Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=key), due_at__gte=due_at)
        found = list(newer.order_by("due_at", "id")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        return Page(found, older=_mark(found[-1]) if found else "", newer=_mark(found[0]) if more else "")
    if before:
        due_at, key = _place(before)
        rows = rows.filter(Q(due_at__lt=due_at) | Q(due_at=due_at, pk__lt=key), due_at__lte=due_at)
    found = list(rows.order_by("-due_at", "-id")[: size + 1])
    more, found = len(found) > size, found[:size]
    return Page(
        found, older=_mark(found[-1]) if more else "", newer=_mark(found[0]) if before and found else ""
    )


def _mark(row: Execution) -> str:
    return f"{(row.due_at - EPOCH) // dt.timedelta(microseconds=1)}-{row.pk}"


def _place(text: str) -> tuple[dt.datetime, int]:
    match = PLACE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return EPOCH + dt.timedelta(microseconds=int(match[1])), int(match[2])
