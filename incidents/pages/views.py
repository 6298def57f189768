"""The list of incidents, one of them with its timeline, and the verbs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.contacts import contact_hint
from accounts.pages.request import PageRequest, actor, back
from accounts.pages.time_zone import zone_of_reader
from incidents import filters, notify, verbs
from incidents.models import Incident, Mute
from incidents.pages.forms import AssignForm, CommentForm, Filters, MuteForm, SnoozeForm
from scheduler_site.lib import clock
from scheduler_site.lib.database import keyset

PAGE_SIZE = 50
RELATED = ("category", "team", "owner", "assignee", "acknowledged_by")


@login_required
@require_GET
def incidents(request: PageRequest) -> HttpResponse:
    if not request.user.has_perm("incidents.view_incident"):
        raise PermissionDenied
    form = Filters(request.GET)
    rows = form.wanted().of(Incident.objects.select_related(*RELATED), request.user)
    try:
        page = filters.ORDER.page(rows, request.GET.get("at", ""), keyset.first(PAGE_SIZE))
    except ValueError as error:
        raise Http404(_("There is no such page.")) from error
    query = request.GET.copy()
    query.pop("at", None)
    narrowed = any(query.get(name) for name in form.fields)
    context = {"form": form, "page": page, "query": query.urlencode(), "narrowed": narrowed}
    return render(
        request, "incidents/list.html", context | {"now": clock.shown(), "zone": zone_of_reader(request)}
    )


@login_required
@require_GET
def incident(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    return _page(request, _visible(request, uid))


def _page(request: PageRequest, found: Incident, *, status: int = 200, **forms_: forms.Form) -> HttpResponse:
    now, zone = clock.shown(), zone_of_reader(request)
    may_handle = request.user.has_perm("incidents.handle_incident")
    context: dict[str, Any] = {
        "incident": found,
        "timeline": list(found.timeline.select_related("by")),
        "lasted": found.lasted(now),
        "may_handle": may_handle,
        "whom": contact_hint(found.owner, found.team),
        "may_mute": may_handle and _may_mute(request, found),
        "muted": notify.is_muted(found.job_uid, now),
        "mute": Mute.objects.filter(job_uid=found.job_uid).select_related("updated_by").first()
        if found.job_uid
        else None,
        "assign_form": AssignForm(incident=found),
        "zone": zone,
        "snooze_form": SnoozeForm(zone=zone),
        "mute_form": MuteForm(),
        "comment_form": CommentForm(),
    }
    return render(request, "incidents/incident.html", context | forms_, status=status)


@login_required
@require_POST
def acknowledge(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _handled(request, uid)
    said = _("The incident is acknowledged. Reminders and escalation have stopped.")
    return _carried_out(
        request, found, verbs.acknowledge, done=said, nothing=_("It has been acknowledged already.")
    )


@login_required
@require_POST
def close(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _handled(request, uid)
    return _carried_out(
        request, found, verbs.close, done=_("The incident is closed."), nothing=_("It is closed already.")
    )


@login_required
@require_POST
def assign(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _handled(request, uid)
    form = AssignForm(request.POST, incident=found)
    if not form.is_valid():
        return _page(request, found, status=400, assign_form=form)
    verb = partial(verbs.assign, user=form.cleaned_data["assignee"])
    said = _("The assignee has been changed.")
    return _carried_out(request, found, verb, done=said, nothing=_("Nothing has changed."))


@login_required
@require_POST
def snooze(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _handled(request, uid)
    form = SnoozeForm(request.POST, zone=zone_of_reader(request))
    if not form.is_valid():
        return _page(request, found, status=400, snooze_form=form)
    until = form.end(clock.now())
    try:
        verbs.snooze(found, until, by=actor(request))
    except verbs.Invalid as problem:
        form.add_error("until", str(problem))
        return _page(request, found, status=400, snooze_form=form)
    except verbs.Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, _("The incident is snoozed."))
    return _back(request, found)


@login_required
@require_POST
def mute(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _muted(request, uid)
    form = MuteForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=400, mute_form=form)
    verb = partial(verbs.mute, until=form.until(clock.now()))
    return _carried_out(request, found, verb, done=_("The job is muted: its incidents send no messages."))


@login_required
@require_POST
def unmute(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _muted(request, uid)
    said = _("The job is no longer muted.")
    return _carried_out(request, found, verbs.unmute, done=said, nothing=_("The job was not muted."))


@login_required
@require_POST
def comment(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = _handled(request, uid)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=400, comment_form=form)
    verb = partial(verbs.comment, text=form.cleaned_data["text"])
    return _carried_out(request, found, verb, done=_("The comment has been added."))


def _carried_out(
    request: PageRequest, found: Incident, verb: Callable[..., object], *, done: str, nothing: str = ""
) -> HttpResponse:
    """Carries out a verb, says what came of it, and leads back. A verb that answers False has changed nothing."""
    try:
        if verb(found, by=actor(request)) is False:
            messages.info(request, nothing)
        else:
            messages.success(request, done)
    except verbs.Refused as refusal:
        messages.warning(request, str(refusal))
    return _back(request, found)


def _back(request: PageRequest, found: Incident) -> HttpResponse:
    """To the list or the dashboard where the button stood, else to the incident."""
    return back(request, reverse("incident", args=[found.uid]))


def _visible(request: PageRequest, uid: uuid.UUID) -> Incident:
    """404 for one that is not there or that the user may not see."""
    rows = Incident.objects.visible_to(request.user).select_related(*RELATED)
    return get_object_or_404(rows, uid=uid)


def _handled(request: PageRequest, uid: uuid.UUID) -> Incident:
    found = _visible(request, uid)
    if not request.user.has_perm("incidents.handle_incident"):
        text = _("You may view this incident but not handle it.")
        raise PermissionDenied(f"{text} {contact_hint(found.owner, found.team)}")
    return found


def _muted(request: PageRequest, uid: uuid.UUID) -> Incident:
    found = _handled(request, uid)
    if not _may_mute(request, found):
        raise PermissionDenied(_("Only who may change the job may mute it."))
    return found


def _may_mute(request: PageRequest, found: Incident) -> bool:
    mine = Incident.objects.changeable_by(request.user).filter(pk=found.pk)
    return found.job_uid is not None and mine.exists()
