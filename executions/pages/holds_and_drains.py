"""The page on which administrators hold starts and drain workers; everybody may read on it what is held."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Category
from accounts.pages.request import PageRequest, actor
from executions.ledger.limits import concurrency, holds
from executions.models import Drain, Hold, Limit
from executions.monitoring import drains
from jobs.forms.timing import in_reach
from jobs.schedule import zone
from jobs.verbs import Refused
from scheduler_site.lib import clock

MOST_ENDED = 10


class HoldForm(forms.Form):
    """Why, until when, and of which category; the time is meant in the scheduler's zone."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)
    until = forms.DateTimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    category = forms.ModelChoiceField(
        label=gettext_lazy("Jobs"),
        queryset=Category.objects.order_by("name"),
        required=False,
        to_field_name="slug",
        empty_label=gettext_lazy("All jobs"),
    )

    def clean_until(self) -> dt.datetime | None:
        """In UTC. The field has read the digits in the active zone; they were meant in the scheduler's."""
        value: dt.datetime | None = in_reach(self.cleaned_data["until"])
        return value.replace(tzinfo=zone(settings.SCHEDULER_TIMEZONE)).astimezone(dt.UTC) if value else None


class LimitForm(forms.Form):
    """Of a key or of a category; without a number there is no limit but the usual one."""

    key = forms.CharField(label=gettext_lazy("Limit key"), required=False, max_length=64)
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"),
        queryset=Category.objects.order_by("name"),
        required=False,
        to_field_name="slug",
    )
    most = forms.IntegerField(
        label=gettext_lazy("At most at once"), required=False, min_value=1, max_value=concurrency.MOST
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if bool(values.get("key")) == bool(values.get("category")):
            raise forms.ValidationError(_("Name a key or a category."))
        if values.get("key") and not concurrency.is_key(values["key"]):
            self.add_error("key", _("Write letters, digits, dots, - and _."))
        return values


class DrainForm(forms.Form):
    """Of one worker, or of all where none is named."""

    worker = forms.CharField(label=gettext_lazy("Worker"), required=False, max_length=120)
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500)

    def checked(self) -> dict[str, str]:
        """The values. Raises Refused, which names the field."""
        for name, problems in self.errors.items():
            raise Refused(f"{self.fields[name].label}: {' '.join(map(str, problems))}")
        return self.cleaned_data


@login_required
@require_GET
def system(request: PageRequest) -> HttpResponse:
    return _page(request, HoldForm())


@login_required
@permission_required("executions.hold_starts", raise_exception=True)
@require_POST
def hold(request: PageRequest) -> HttpResponse:
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        holds.begin(by=actor(request), **form.cleaned_data)
    except Refused as reason:
        form.add_error(None, str(reason))
        return _page(request, form, 409)
    messages.success(request, _("Starts are held."))
    return redirect("system")


@login_required
@permission_required("executions.hold_starts", raise_exception=True)
@require_POST
def change(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Moves the end of a hold, and nothing else of it."""
    found = get_object_or_404(Hold.objects.active(), uid=uid)
    form = HoldForm({"reason": found.reason, "until": request.POST.get("until", "")})
    try:
        if not form.is_valid():
            raise Refused(_("Enter an end time."))
        until = form.cleaned_data["until"]
        holds.change(found, reason=found.reason, until=until, by=actor(request))
    except Refused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, _("The end of the hold has been changed."))
    return redirect("system")


@login_required
@permission_required("executions.hold_starts", raise_exception=True)
@require_POST
def release(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Hold, uid=uid)
    if holds.end(found, by=actor(request)):
        messages.success(request, _("The hold has been released. Queued runs start now."))
    else:
        messages.warning(request, _("The hold has already been released."))
    return redirect("system")


@login_required
@permission_required("executions.change_limits", raise_exception=True)
@require_POST
def limit(request: PageRequest) -> HttpResponse:
    form = LimitForm(request.POST)
    if not form.is_valid():
        return _page(request, HoldForm(), limit=form)
    values = form.cleaned_data
    concurrency.set_limit(values["most"], by=actor(request), key=values["key"], category=values["category"])
    messages.success(request, _("The limit has been changed."))
    return redirect("system")


@login_required
@permission_required("executions.drain_worker", raise_exception=True)
@require_POST
def drain(request: PageRequest) -> HttpResponse:
    """One worker by its name, or all that run jobs where none is named."""
    now = clock.now()
    try:
        values = DrainForm(request.POST).checked()
        found = drains.matching(values["worker"], now) if values["worker"] else drains.of_jobs(now)
    except Refused as reason:
        messages.error(request, str(reason))
    else:
        made = drains.order(found, by=actor(request), reason=values["reason"])
        text = _("%(count)s workers are draining: they take no new runs and end after their current ones.")
        messages.success(request, text % {"count": len(made)})
    return redirect("system")


@login_required
@permission_required("executions.drain_worker", raise_exception=True)
@require_POST
def cancel_drain(request: PageRequest) -> HttpResponse:
    """That of one worker, or of all where none is named."""
    try:
        name = DrainForm(request.POST).checked()["worker"]
    except Refused as reason:
        messages.error(request, str(reason))
        return redirect("system")
    rows = Drain.objects.filter(worker=name) if name else Drain.objects.all()
    if drains.cancel(rows, by=actor(request)):
        messages.success(request, _("The drain has been cancelled."))
    else:
        messages.warning(request, _("There is no drain to cancel."))
    return redirect("system")


def _page(
    request: PageRequest, form: HoldForm, status: int = 200, limit: LimitForm | None = None
) -> HttpResponse:
    visible = Hold.objects.visible_to(request.user).select_related("category")
    context: dict[str, Any] = {
        "form": form,
        "active": visible.active().order_by("active"),
        "ended": visible.filter(active=None).order_by("-ended_at")[:MOST_ENDED],
        "may_hold": request.user.has_perm("executions.hold_starts"),
        "may_drain": request.user.has_perm("executions.drain_worker"),
        "zone": settings.SCHEDULER_TIMEZONE,
    }
    if context["may_drain"]:
        context["workers"] = drains.workers(clock.now())
    if request.user.has_perm("executions.change_limits"):
        context["limit_form"] = limit or LimitForm(auto_id="limit_%s")
        context["limits"] = [_shown(one) for one in concurrency.shown()]
    return render(request, "executions/system.html", context, status=status)


def _shown(limit: Limit) -> dict[str, Any]:
    kind, name = concurrency.name_of(limit.scope)
    numbers = {"most": concurrency.most_of(limit.scope), "running": concurrency.running(limit.scope)}
    return {"kind": kind, "name": name, "waiting": concurrency.waiting(limit.scope)} | numbers
