"""What the list of executions can be narrowed to, and its pages."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.pages.time_zone import zone_of_reader
from executions.models import BAD, FINAL, NOT_RUN, OPEN, Execution, ExecutionQuerySet, State, Trigger
from jobs.models import Job
from jobs.templatetags.timing import zone_of
from scheduler_site.lib import clock
from scheduler_site.rest.query import with_plus

PAGE_SIZE = 50
# At most this many jobs are named in a statement.
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
LOW, HIGH = dt.date(1970, 1, 2), dt.date(9000, 1, 1)
BOUND = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Microseconds since 1970 and the key of a row: what the list is sorted by.
PLACE = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)


PRESETS = [("hour", _("Last hour")), ("day", _("Last 24 hours")), ("night", _("Last night"))]
EVENING, MORNING = dt.time(18), dt.time(8)


@dataclass(frozen=True)
class Bound:
    """A date, or a time of a day; with an offset it means the same in every zone."""

    at: dt.date | dt.datetime

    def first(self, zone: ZoneInfo) -> dt.datetime:
        """The moment itself, or the beginning of the day."""
        if not isinstance(self.at, dt.datetime):
            return dt.datetime.combine(self.at, dt.time(), zone)
        return self.at if self.at.tzinfo else self.at.replace(tzinfo=zone)

    def after(self, zone: ZoneInfo) -> dt.datetime:
        """The moment itself, or the end of the day: a last day is meant as a whole."""
        if isinstance(self.at, dt.datetime):
            return self.first(zone)
        return dt.datetime.combine(self.at + dt.timedelta(days=1), dt.time(), zone)


class BoundField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        """`2026-03-29`, `2026-03-29T06:15`, `2026-03-29T06:15Z`; seconds and parts of one may follow."""
        text = super().to_python(value)
        if not text:
            return None
        text = with_plus(text)
        match = BOUND.fullmatch(text)
        try:
            at = dt.datetime.fromisoformat(text) if match and match[1] else dt.date.fromisoformat(text)
        except ValueError:
            at = dt.date.min
        if match is None or not LOW <= (at.date() if isinstance(at, dt.datetime) else at) <= HIGH:
            raise ValidationError(_("Write a date or a time such as 2026-03-29T06:15."))
        return Bound(at)


class BoundFilter(django_filters.Filter):  # type: ignore[misc]  # untyped library
    field_class = BoundField


def preset(name: str, now: dt.datetime, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """From when until when. The last night began at six in the evening and ended at eight in the morning, or goes on."""
    if name == "night":
        local = now.astimezone(zone)
        # Before six it is that of this morning, afterwards the one that has just begun.
        day = local.date() if local.time() >= EVENING else local.date() - dt.timedelta(days=1)
        begin = dt.datetime.combine(day, EVENING, zone)
        return begin, min(dt.datetime.combine(day + dt.timedelta(days=1), MORNING, zone), now)
    hours = 1 if name == "hour" else 24
    return now - dt.timedelta(hours=hours), now


class ExecutionFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped library
    q = django_filters.CharFilter(label=_("Job"), method="by_name")
    job = django_filters.UUIDFilter(method="by_job")
    state = django_filters.ChoiceFilter(
        label=_("State"), choices=STATES, method="by_state", empty_label=_("all")
    )
    trigger = django_filters.ChoiceFilter(label=_("Trigger"), choices=Trigger.choices, empty_label=_("all"))
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Job.Kind.choices, empty_label=_("all"))
    start = BoundFilter(label=_("From"), method="from_bound")
    end = BoundFilter(label=_("To"), method="to_bound")
    last = django_filters.ChoiceFilter(choices=PRESETS, method="by_last")

    @cached_property
    def of_job(self) -> Job | None:
        """The one job whose rows are asked for, where there is one and the reader may see it."""
        uid = self.form.cleaned_data.get("job") if self.form.is_valid() else None
        return Job.objects.visible_to(self.request.user).filter(uid=uid).first() if uid else None

    @cached_property
    def zone(self) -> str:
        """In which the rows are shown, and the times of the filter meant: the reader's; where it is not known that of the one
        job, of many jobs the scheduler's."""
        return zone_of_reader(self.request, zone_of(self.of_job))

    @property
    def shown(self) -> dict[str, str]:
        """The bounds as the fields for times show them, in the zone of the list."""
        cleaned = self.form.cleaned_data if self.form.is_bound and self.form.is_valid() else {}
        start, end = cleaned.get("start"), cleaned.get("end")
        zone = ZoneInfo(self.zone)
        bounds = {"start": start and start.first(zone), "end": end and end.after(zone)}
        return {name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else "" for name, at in bounds.items()}

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

    def from_bound(self, rows: ExecutionQuerySet, name: str, value: Bound) -> ExecutionQuerySet:
        return rows.filter(due_at__gte=value.first(ZoneInfo(self.zone)))

    def to_bound(self, rows: ExecutionQuerySet, name: str, value: Bound) -> ExecutionQuerySet:
        return rows.filter(due_at__lt=value.after(ZoneInfo(self.zone)))

    def by_last(self, rows: ExecutionQuerySet, name: str, value: str) -> ExecutionQuerySet:
        start, end = preset(value, clock.shown(), ZoneInfo(self.zone))
        return rows.filter(due_at__gte=start, due_at__lt=end)


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
