"""For administrators: how often people are reminded, and who else is told after how long."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor
from incidents import rule_verbs
from incidents.models import EscalationStep
from incidents.pages.forms import RemindersForm, StepForm
from incidents.verbs import Invalid


@login_required
@require_http_methods(["GET", "POST"])
def incident_rules(request: PageRequest) -> HttpResponse:
    _require(request)
    form = RemindersForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = {name: minutes for name, minutes in form.cleaned_data.items() if minutes is not None}
        rule_verbs.set_reminders(given, by=actor(request))
        messages.success(request, _("The reminders have been saved."))
        return redirect("incident-rules")
    return _page(request, reminders=form, step=StepForm(), status=400 if form.is_bound else 200)


@login_required
@require_POST
def add_step(request: PageRequest) -> HttpResponse:
    _require(request)
    form = StepForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            rule_verbs.add_step(
                given["after"], given["channel"], team=given["team"], user=given["user"], by=actor(request)
            )
        except Invalid as problem:
            form.add_error(problem.field, str(problem))
        else:
            messages.success(request, _("The step has been added."))
            return redirect("incident-rules")
    return _page(request, reminders=RemindersForm(), step=form, status=400)


@login_required
@require_POST
def remove_step(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    _require(request)
    rule_verbs.remove_step(get_object_or_404(EscalationStep, uid=uid), by=actor(request))
    messages.success(request, _("The step has been removed."))
    return redirect("incident-rules")


def _page(request: PageRequest, *, reminders: RemindersForm, step: StepForm, status: int) -> HttpResponse:
    steps = EscalationStep.objects.select_related("team", "user").order_by("team__name", "after", "id")
    context = {"reminders": reminders, "step": step, "steps": steps}
    return render(request, "incidents/rules.html", context, status=status)


def _require(request: PageRequest) -> None:
    if not request.user.has_perm("incidents.change_reminderrules"):
        raise PermissionDenied(_("This page is for administrators."))
