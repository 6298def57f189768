"""Deactivating and deleting an account: the page lists its jobs first, and offers to hand them over."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import verbs
from accounts.models import User
from accounts.pages.request import PageRequest, actor
from jobs.models.choices import CODE_KINDS
from jobs.pages.people.helpers import named, owned
from jobs.pages.people.users import account


@login_required
@require_GET
def leave(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    return _page(request, account(request, uid, "accounts.change_user"))


def _page(request: PageRequest, person: User, refusal: str = "") -> HttpResponse:
    code = owned(person).filter(kind__in=CODE_KINDS).count()
    context = {"tab": "users", "person": person, "code_count": code, "refusal": refusal}
    context |= named(owned(person), "owner", person.username)
    return render(request, "people/leave.html", context, status=409 if refusal else 200)


@login_required
@require_POST
def deactivate(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    person = account(request, uid, "accounts.change_user")
    done = _("“%(name)s” can no longer log in.") % {"name": person}
    verb = lambda: verbs.update(person, {"is_active": False}, by=actor(request))  # noqa: E731
    return _carry_out(request, person, verb, done) or redirect("person", uid)


@login_required
@require_POST
def activate(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    person = account(request, uid, "accounts.change_user")
    verbs.update(person, {"is_active": True}, by=actor(request))
    messages.success(request, _("“%(name)s” can log in again.") % {"name": person})
    return redirect("person", uid)


@login_required
@require_POST
def delete(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    person = account(request, uid, "accounts.delete_user")
    if person == request.user:
        return _page(request, person, _("Nobody can delete his own account."))
    done = _("The account “%(name)s” has been deleted.") % {"name": person}
    verb = lambda: verbs.delete(person, by=actor(request))  # noqa: E731
    return _carry_out(request, person, verb, done) or redirect("people")


def _carry_out(
    request: PageRequest, person: User, verb: Callable[[], object], done: str
) -> HttpResponse | None:
    """None where it is done. Refused while the account has jobs of which nobody said that they may stay."""
    if "keep" not in request.POST and owned(person).exists():
        text = _("“%(name)s” owns jobs. Hand them over first, or confirm that they stay as they are.")
        return _page(request, person, text % {"name": person})
    try:
        verb()
    except verbs.LastAdmin as refusal:
        return _page(request, person, _(str(refusal)))
    except User.DoesNotExist as error:
        raise Http404(_("There is no such page.")) from error
    messages.success(request, done)
    return None
