"""Teams: their members, jobs and destinations. To read for everybody, since this is who is asked about a job."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import categories_and_teams
from accounts.models import Team
from accounts.pages.category_and_team_forms import TeamForm
from accounts.pages.request import PageRequest, actor
from jobs.models import Job
from jobs.pages.people.helpers import form_page, named, require, seen_by, stored, with_job_counts


@login_required
@require_GET
def teams(request: PageRequest) -> HttpResponse:
    found = seen_by(request, Team).annotate(member_count=Count("members")).prefetch_related("destinations")
    rows = with_job_counts(request, "team", found)
    return render(request, "people/teams.html", {"tab": "teams", "rows": rows})


@login_required
@require_GET
def team(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(seen_by(request, Team), uid=uid)
    jobs = Job.objects.visible_to(request.user).filter(team=found).order_by("name")
    context = {
        "tab": "teams",
        "team": found,
        "members": found.members.order_by("username"),
        "destinations": found.destinations.order_by("name"),
    }
    return render(request, "people/team.html", context | named(jobs, "team", found.name))


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PageRequest) -> HttpResponse:
    require(request, "accounts.add_team")
    return _edited(request, Team(), _("New team"))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    require(request, "accounts.change_team")
    found = get_object_or_404(Team, uid=uid)
    return _edited(request, found, _("Edit %(name)s") % {"name": found})


def _edited(request: PageRequest, row: Team, title: str) -> HttpResponse:
    form, saved, conflict = stored(request, TeamForm, row)
    if saved is not None:
        messages.success(request, _("The team “%(name)s” has been saved.") % {"name": saved})
        return redirect("team", saved.uid)
    context: dict[str, Any] = {"tab": "teams", "title": title, "back": "team" if row.pk else "teams"}
    context["uid"] = row.uid if row.pk else None
    return form_page(request, form, context, conflict)


@login_required
@require_http_methods(["GET", "POST"])
def disable(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Says what becomes of the jobs first."""
    require(request, "accounts.delete_team")
    found = get_object_or_404(Team, uid=uid)
    if request.method == "GET":
        jobs = Job.objects.filter(team=found).order_by("name")
        context = {"tab": "teams", "row": found, "verb": "team", "back": reverse("team", args=[uid])}
        return render(request, "people/disable.html", context | named(jobs, "team", found.name))
    categories_and_teams.change(found, {"is_active": False}, by=actor(request))
    messages.success(request, _("The team “%(name)s” is disabled.") % {"name": found})
    return redirect("team", uid)
