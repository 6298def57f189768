"""The page of the whole trail, for administrators; the history of one job is on the pages of jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit import export
from audit.models import Entry, EntryQuerySet
from audit.pages.forms import SearchForm
from audit.search import WINDOW, page_of

View = Callable[[HttpRequest], HttpResponseBase]


def readers_only(view: View) -> View:
    """403 for everybody else who is logged in."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if not request.user.has_perm("audit.view_entry"):
            raise PermissionDenied(_("The audit trail is for administrators."))
        return view(request)

    return login_required(guarded)


@readers_only
@require_GET
def trail(request: HttpRequest) -> HttpResponseBase:
    form, entries = _found(request)
    try:
        page = page_of(entries, request.GET.get("cursor", ""), text=form.wanted().text)
    except ValueError as error:
        raise Http404(_("There is no such page.")) from error
    query = request.GET.copy()
    query.pop("cursor", None)
    context: dict[str, Any] = {
        "form": form,
        "page": page,
        "query": query.urlencode(),
        "narrowed": any(query.values()),
        "about": _about(form),
        "most": export.MOST,
        "window": WINDOW,
    }
    return render(request, "audit/trail.html", context)


@readers_only
@require_GET
def as_csv(request: HttpRequest) -> HttpResponseBase:
    form, entries = _found(request)
    return export.as_csv(entries, form.wanted().text)


def _found(request: HttpRequest) -> tuple[SearchForm, EntryQuerySet]:
    form = SearchForm(request.GET)
    # With what can be read; the form tells what cannot.
    form.is_valid()
    return form, form.wanted().of(Entry.objects.defer("snapshot"))


def _about(form: SearchForm) -> Entry | None:
    """The newest entry of the one object that is asked for: it knows its name."""
    uid = form.cleaned_data.get("object")
    return Entry.objects.about(uid).order_by("-at", "-id").first() if uid else None
