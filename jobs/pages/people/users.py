"""The list of accounts, and one of them with its jobs, teams, sessions and tokens. For administrators."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import InvalidPage, Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import verbs
from accounts.models import Team, User
from accounts.pages.account_forms import AccountForm, NewAccountForm
from accounts.pages.request import PageRequest, actor
from accounts.pages.time_zone import zone_of_reader
from accounts.signin import logins
from jobs.models import Job
from jobs.pages.people import edit_conflicts
from jobs.pages.people.helpers import counts, form_page, last_seen, named, owned, require
from scheduler_site.lib import clock

PAGE_SIZE, SESSIONS, TOKENS, LONGEST = 50, 20, 20, 100
STATES = {"active": Q(is_active=True), "left": Q(is_active=False)}


@login_required
@require_GET
def people(request: PageRequest) -> HttpResponse:
    """The users, for who may see them; the teams for everybody else."""
    return users(request) if request.user.has_perm("accounts.view_user") else redirect("teams")


@login_required
@require_GET
def users(request: PageRequest) -> HttpResponse:
    require(request, "accounts.view_user")
    asked = {name: request.GET.get(name, "").replace("\0", "")[:LONGEST] for name in ("q", "role", "state")}
    rows = User.objects.select_related("category").prefetch_related("teams").order_by("username")
    if asked["q"]:
        rows = rows.filter(Q(username__icontains=asked["q"]) | Q(email__icontains=asked["q"]))
    if asked["role"] in User.Role.values:
        rows = rows.filter(role=asked["role"])
    if asked["state"] in STATES:
        rows = rows.filter(STATES[asked["state"]])
    page = _page(request, rows)
    count, seen = counts(Job.objects.all(), "owner", [user.pk for user in page]), last_seen(page)
    context = {
        "tab": "users",
        "page": page,
        "rows": [(user, count.get(user.pk, 0), seen.get(user.pk)) for user in page],
        "roles": User.Role.choices,
        "ownerless": Job.objects.without_owner().count(),
        "narrowed": any(asked.values()),
        "zone": zone_of_reader(request),
    }
    return render(request, "people/users.html", context | asked)


def _page(request: PageRequest, rows: Any) -> Any:
    try:
        return Paginator(rows, PAGE_SIZE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error


@login_required
@require_GET
def user(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = account(request, uid)
    tokens = found.api_tokens.filter(revoked_at=None)
    context = {
        "tab": "users",
        "person": found,
        "teams": Team.objects.filter(members=found),
        "seen": last_seen([found]).get(found.pk),
        "sessions": logins.of(found)[:SESSIONS],
        "tokens": tokens[:TOKENS],
        "now": clock.now(),
        "zone": zone_of_reader(request),
    }
    return render(request, "people/user.html", context | named(owned(found), "owner", found.username))


def account(request: PageRequest, uid: uuid.UUID, permission: str = "accounts.view_user") -> User:
    """The account; 403 for who may not (`permission`), 404 for one that is not there."""
    require(request, permission)
    return get_object_or_404(User.objects.select_related("category"), uid=uid)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PageRequest) -> HttpResponse:
    require(request, "accounts.add_user")
    form = NewAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (made := form.store(by=actor(request))):
        messages.success(request, _("The account “%(name)s” has been made.") % {"name": made})
        return redirect("person", made.uid)
    return _form(request, form, _("New user"))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = account(request, uid, "accounts.change_user")
    title = _("Edit %(name)s") % {"name": found}  # as it is stored: the form puts in what was typed
    if request.method == "GET":
        return _form(request, AccountForm(instance=found), title, uid)
    form, changed, conflict = _stored(request, found)
    if changed is None:
        return _form(request, form, title, uid, conflict)
    messages.success(request, _("The account “%(name)s” has been saved.") % {"name": changed})
    return redirect("person", uid)


@transaction.atomic
def _stored(
    request: PageRequest, person: User
) -> tuple[AccountForm, User | None, edit_conflicts.Conflict | None]:
    try:
        form = AccountForm(request.POST, instance=verbs.locked(person)[0])
    except User.DoesNotExist as error:
        raise Http404(_("There is no such page.")) from error
    conflict = edit_conflicts.settle(form, request.POST)
    return form, form.store(by=actor(request)) if form.is_valid() else None, conflict


def _form(
    request: PageRequest,
    form: Any,
    title: str,
    uid: uuid.UUID | None = None,
    conflict: edit_conflicts.Conflict | None = None,
) -> HttpResponse:
    context = {"tab": "users", "title": title, "uid": uid, "back": "person" if uid else "people"}
    return form_page(request, form, context, conflict)


@login_required
@require_POST
def end_sessions(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Of somebody who has lost a device, or has left; API tokens are revoked one by one."""
    found = account(request, uid, "accounts.change_user")
    logins.end_all(found, by=actor(request))
    messages.success(request, _("All sessions of “%(name)s” have ended.") % {"name": found})
    return redirect("person", uid)
