"""Shared by the pages of users, teams and categories: permission checks, tabs, and numbers of jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Lower
from django.forms import ModelForm
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Category, Login, Team, User
from accounts.pages.category_and_team_forms import CatalogForm
from accounts.pages.request import PageRequest, actor
from jobs.models import Job, JobQuerySet
from jobs.pages.people import edit_conflicts
from jobs.search.query import with_word

Row = TypeVar("Row", Category, Team)
# At most this many jobs are named on a page; the rest is counted.
NAMED = 50


def require(request: PageRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(_("This page is for administrators."))


def stored(
    request: PageRequest, form_class: type[CatalogForm], row: Any
) -> tuple[CatalogForm, Any, edit_conflicts.Conflict | None]:
    """The form of a team or category; what was stored, None where nothing was; and what is to be chosen before it is."""
    if request.method == "GET":
        return form_class(instance=row), None, None
    with transaction.atomic():
        if row.pk:
            row = type(row).objects.select_for_update().get(pk=row.pk)
        form = form_class(request.POST, instance=row)
        conflict = edit_conflicts.settle(form, request.POST) if row.pk else None
        return form, form.store(by=actor(request)) if form.is_valid() else None, conflict


def form_page(
    request: PageRequest,
    form: ModelForm[Any],
    context: dict[str, Any],
    conflict: edit_conflicts.Conflict | None,
) -> HttpResponse:
    context = {"form": form, "conflict": conflict, **context}
    if form.instance.pk:
        # What the form was filled from at first stays what it is compared with.
        context["read"] = request.POST.get(edit_conflicts.READ) or edit_conflicts.read(form)
    status = 409 if conflict else 400 if form.is_bound else 200
    return render(request, "people/form.html", context, status=status)


def seen_by(request: PageRequest, model: type[Row]) -> QuerySet[Row]:
    """Teams or categories as the API lists them: those that are disabled for administrators only."""
    rows = model.objects.order_by(Lower("name"), "pk")
    see_all = request.user.has_perm(f"accounts.view_{model._meta.model_name}")
    return rows if see_all else rows.filter(is_active=True)


def with_job_counts(request: PageRequest, column: str, rows: Iterable[Row]) -> list[tuple[Row, int]]:
    """Each row with the number of its jobs that the user sees."""
    found = list(rows)
    count = counts(Job.objects.visible_to(request.user), column, [one.pk for one in found])
    return [(one, count.get(one.pk, 0)) for one in found]


def counts(jobs: JobQuerySet, column: str, keys: Iterable[int]) -> dict[int, int]:
    """How many of `jobs` belong to each key of a column (`owner`, `team`, `category`)."""
    rows = jobs.filter(**{f"{column}__in": list(keys)}).order_by().values_list(column)
    return dict(rows.annotate(count=Count("pk")))


def last_seen(users: Iterable[User]) -> dict[int, Any]:
    """When each was here last, by any login or token; without those who never were."""
    users = list(users)
    keys = [user.pk for user in users]
    seen: dict[int, Any] = {user.pk: user.last_login for user in users if user.last_login}
    logins = Login.objects.filter(user__in=keys).order_by().values_list("user")
    tokens = (
        ApiToken.objects.filter(owner__in=keys).exclude(last_used_at=None).order_by().values_list("owner")
    )
    for rows in (logins.annotate(at=Max("last_seen_at")), tokens.annotate(at=Max("last_used_at"))):
        for key, at in rows:
            seen[key] = max(at, seen.get(key, at))
    return seen


def owned(user: User) -> JobQuerySet:
    return Job.objects.filter(owner=user).order_by("name")


def named(jobs: JobQuerySet, key: str, value: str) -> dict[str, Any]:
    """What a page says of jobs: the first of them, how many there are, and the search that finds them all."""
    return {
        "jobs": list(jobs.only("uid", "name", "kind")[:NAMED]),
        "job_count": jobs.count(),
        "job_search": with_word("", key, value),
    }
