"""Categories, with how many jobs and people each has. None is ever removed: one that is disabled keeps its jobs."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import categories_and_teams
from accounts.models import Category
from accounts.pages.category_and_team_forms import CategoryForm
from accounts.pages.request import PageRequest, actor
from jobs.models import Job
from jobs.pages.people.helpers import form_page, named, require, seen_by, stored, with_job_counts


@login_required
@require_GET
def categories(request: PageRequest) -> HttpResponse:
    rows = with_job_counts(
        request, "category", seen_by(request, Category).annotate(user_count=Count("users"))
    )
    return render(request, "people/categories.html", {"tab": "categories", "rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PageRequest) -> HttpResponse:
    require(request, "accounts.add_category")
    return _edited(request, Category(), _("New category"))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    require(request, "accounts.change_category")
    found = get_object_or_404(Category, uid=uid)
    return _edited(request, found, _("Edit %(name)s") % {"name": found})


def _edited(request: PageRequest, row: Category, title: str) -> HttpResponse:
    form, saved, conflict = stored(request, CategoryForm, row)
    if saved is not None:
        messages.success(request, _("The category “%(name)s” has been saved.") % {"name": saved})
        return redirect("categories")
    context = {"tab": "categories", "title": title, "back": "categories"}
    return form_page(request, form, context, conflict)


@login_required
@require_http_methods(["GET", "POST"])
def disable(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Says what becomes of the jobs first."""
    require(request, "accounts.delete_category")
    found = get_object_or_404(Category.objects.annotate(user_count=Count("users")), uid=uid)
    if request.method == "GET":
        jobs = Job.objects.filter(category=found).order_by("name")
        context = {"tab": "categories", "row": found, "verb": "category", "back": reverse("categories")}
        return render(request, "people/disable.html", context | named(jobs, "category", found.name))
    categories_and_teams.change(found, {"is_active": False}, by=actor(request))
    messages.success(request, _("The category “%(name)s” is disabled.") % {"name": found})
    return redirect("categories")
