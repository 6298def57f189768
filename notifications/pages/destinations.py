"""The pages of destinations; for administrators."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor
from notifications.channels import WITH_DESTINATIONS
from notifications.destinations import verbs
from notifications.destinations.form import DestinationForm, keys_of
from notifications.models import Destination, SlackSettings
from notifications.pages.views import needs, tell

guard = needs("notifications.change_destination")


@guard
@require_GET
def destinations(request: PageRequest) -> HttpResponse:
    rows = Destination.objects.filter(channel__in=WITH_DESTINATIONS).prefetch_related("teams")
    context = {
        "rows": [(row, keys_of(row)) for row in rows],
        "channels": WITH_DESTINATIONS.values(),
        "slack": SlackSettings.objects.filter(pk=SlackSettings.ONLY).first(),
    }
    return render(request, "notifications/destinations.html", context)


@guard
@require_http_methods(["GET", "POST"])
def new(request: PageRequest, channel: str) -> HttpResponse:
    if channel not in WITH_DESTINATIONS:
        raise Http404(_("There is no such channel."))
    return _form(request, Destination(channel=channel))


@guard
@require_http_methods(["GET", "POST"])
@transaction.atomic
def destination(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    rows = Destination.objects.select_for_update() if request.method == "POST" else Destination.objects.all()
    return _form(request, get_object_or_404(rows, uid=uid, channel__in=WITH_DESTINATIONS))


@guard
@require_POST
def delete(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Destination, uid=uid)
    verbs.delete(found, by=actor(request))
    messages.success(request, _("The destination “%(name)s” has been deleted.") % {"name": found.name})
    return redirect("destinations")


@guard
@require_POST
def test(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Destination, uid=uid, channel__in=WITH_DESTINATIONS)
    tell(request, verbs.test(found))
    return redirect("destination", uid)


def _form(request: PageRequest, found: Destination) -> HttpResponse:
    form = DestinationForm(request.POST if request.method == "POST" else None, destination=found)
    if form.is_valid():
        saved = verbs.save(form, by=actor(request))
        messages.success(request, _("The destination has been saved."))
        return redirect("destination", saved.uid)
    channel = WITH_DESTINATIONS[found.channel]
    context = {"form": form, "destination": found, "channel": channel}
    return render(request, "notifications/destination.html", context)
