"""Buttons that start, stop, suspend and resume runs; and the download of artifacts."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor, back
from executions.ledger import artifacts, idempotency, launch, verbs
from executions.ledger.limits import holds
from executions.models import Execution, ExecutionQuerySet
from executions.pages import artifact_previews
from executions.pages.run import may_stop
from executions.pages.run import visible as visible_run
from jobs.forms.page import RunForm
from jobs.models import Job
from jobs.pages.helpers import asked_of, changeable_job, gone_is_404
from jobs.verbs import Refused
from scheduler_site.lib import clock


@login_required
@require_GET
def artifact(request: PageRequest, uid: uuid.UUID, name: str) -> FileResponse:
    """A file to be saved. With `show`, an image is an answer of its own kind; nothing else ever is."""
    found = visible_run(request, uid)
    attempt = request.GET.get("attempt", "")
    number = int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 6 else None
    file = artifacts.named(found, name, number)
    if file is None:
        raise Http404
    try:
        return artifacts.download(
            found, file, artifact_previews.shown_as(found.uid, file) if "show" in request.GET else ""
        )
    except FileNotFoundError as error:
        raise Http404 from error


# Verbs -------------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
@gone_is_404
def run(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Runs a job now; the page lets the metadata of this one run be different."""
    job = changeable_job(request, uid, "jobs.run_job")
    given = request.POST if "metadata" in request.POST else None
    form = RunForm(given, initial={"metadata": _parameters(request, job), "key": secrets.token_urlsafe(16)})
    context: dict[str, Any] = {"job": job, "may_override": holds.may_override(request.user) and holds.of(job)}
    if request.method == "GET" or (form.is_bound and not form.is_valid()):
        return render(request, "executions/run.html", context | {"form": form})
    despite = form.is_bound and form.cleaned_data["override_hold"]
    overrides = {"metadata": form.cleaned_data["metadata"]} if form.is_bound else None
    try:
        started, again = _run_once(request, job, overrides, despite)
    except Refused as reason:
        form = RunForm(given, initial=form.initial)
        context |= {"form": form, "refused": reason}
        return render(request, "executions/run.html", context, status=409)
    if again:
        text = _("This form was already submitted. This is the run that it started.")
        messages.info(request, text)
    else:
        messages.success(request, _("“%(job)s” has been started.") % {"job": job})
    return back(request, reverse("execution", args=[started.uid]))


def _parameters(request: PageRequest, job: Job) -> Any:
    """Those of the run that is to be repeated (`?again=`), else those of the job."""
    try:
        uid = uuid.UUID(request.GET.get("again", ""))
    except ValueError:
        return job.metadata
    run = Execution.objects.visible_to(request.user).filter(job=job, uid=uid).first()
    return run.full_definition.get("metadata", job.metadata) if run else job.metadata


def _run_once(
    request: PageRequest, job: Job, overrides: dict[str, Any] | None, despite: bool
) -> tuple[Execution, bool]:
    """The run, and whether the same form had started it before (a double click, or the browser's way back)."""
    start = partial(launch.launch, job, by=actor(request), overrides=overrides, despite_hold=despite)
    key = request.POST.get("key", "")
    if not idempotency.is_key(key):
        return start(), False
    # Other metadata in the same form are meant as another run.
    named = f"{json.dumps(overrides, sort_keys=True)} {key}"
    return idempotency.run(idempotency.Request(request.user, job, named, {}), start, clock.now())


@login_required
@require_POST
def stop(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible_run(request, uid)
    if not may_stop(request, found):
        raise PermissionDenied(_refusal(_("You may view this run but not cancel it."), found))
    if verbs.stop(found, by=actor(request)):
        messages.success(request, _("The run is being cancelled."))
    else:
        messages.warning(request, _("The run has already ended or is being cancelled."))
    return redirect("execution", uid)


@login_required
@require_POST
def suspend(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    return _suspension(request, uid, verbs.suspend, _("The run has been suspended."))


@login_required
@require_POST
def resume(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    return _suspension(request, uid, verbs.resume, _("The run has been resumed."))


def _refusal(text: str, found: Execution) -> str:
    return f"{text} {asked_of(found.job)}" if found.job else text


def _suspension(request: PageRequest, uid: uuid.UUID, verb: Callable[..., bool], done: str) -> HttpResponse:
    found = visible_run(request, uid)
    if not may_stop(request, found):
        raise PermissionDenied(_refusal(_("You may view this run but not suspend it."), found))
    try:
        verb(found, by=actor(request))
    except Refused as reason:
        messages.warning(request, str(reason))
    else:
        messages.success(request, done)
    return redirect("execution", uid)


# Helpers -----------------------------------------------------------------------------------------------------------


def _visible(request: PageRequest) -> ExecutionQuerySet:
    return Execution.objects.visible_to(request.user).select_related("job")
