"""What the list of jobs can be narrowed to, and how it is sorted."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, User
from accounts.roles import home_category
from jobs.models import Job, JobQuerySet

STATES = [
    ("active", _("active")),
    ("paused", _("paused")),
    ("broken", _("invalid schedule")),
    ("suspended", _("code suspended")),
    ("manual", _("manual")),
]
# Jobs without a next run come last, whichever way the list is sorted.
SORTS: dict[str, Any] = {
    "name": "name",
    "-name": "-name",
    "next": F("next_run_at").asc(nulls_last=True),
    "-updated": "-updated_at",
}


def categories(request: HttpRequest | None) -> QuerySet[Category]:
    """Those whose jobs the user may see."""
    user = request.user if request else None
    if not isinstance(user, User):
        return Category.objects.none()
    home = home_category(user)
    return Category.objects.all() if home is None else Category.objects.filter(pk=home)


class JobFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped library
    q = django_filters.CharFilter(method="by_text", label=_("Search"))
    state = django_filters.ChoiceFilter(
        label=_("State"), choices=STATES, method="by_state", empty_label=_("all")
    )
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Job.Kind.choices, empty_label=_("all"))
    category = django_filters.ModelChoiceFilter(
        label=_("Category"), queryset=categories, empty_label=_("all")
    )
    owner = django_filters.ChoiceFilter(
        label=_("Owner"), choices=[("me", _("me"))], method="by_owner", empty_label=_("all")
    )
    sort = django_filters.ChoiceFilter(
        choices=[(name, name) for name in SORTS], method="in_order", widget=forms.HiddenInput
    )

    def by_text(self, jobs: JobQuerySet, name: str, value: str) -> JobQuerySet:
        return jobs.filter(Q(name__icontains=value) | Q(description__icontains=value))

    def by_state(self, jobs: JobQuerySet, name: str, value: str) -> JobQuerySet:
        match value:
            case "broken":
                return jobs.exclude(broken="")
            case "suspended":
                return jobs.exclude(code_suspended="")
            case "paused":
                return jobs.paused()
            case "manual":
                return jobs.filter(periodic_task=None)
            case _:
                return jobs.filter(periodic_task__enabled=True, broken="", code_suspended="")

    def by_owner(self, jobs: JobQuerySet, name: str, value: str) -> JobQuerySet:
        return jobs.filter(owner=self.request.user)

    def in_order(self, jobs: JobQuerySet, name: str, value: str) -> JobQuerySet:
        return jobs.order_by(SORTS[value], "pk")
