"""Buttons that repair a job: take it over, and move its credentials to its secrets."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.pages.request import PageRequest, actor
from jobs import code_permission, exposed_credentials
from jobs.changes.secret_targets import unused
from jobs.models import Job
from jobs.pages.helpers import changeable_job, gone_is_404, refused
from jobs.verbs import Refused


@login_required
@require_POST
@gone_is_404
def take_over(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid)
    try:
        code_permission.take_over(job, by=actor(request))
    except Refused as reason:
        return refused(request, job, reason)
    messages.success(request, _("“%(job)s” is your job now.") % {"job": job})
    return redirect("job", uid)


@login_required
@require_POST
@gone_is_404
def hide(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid)
    try:
        moved = exposed_credentials.move(job, by=actor(request))
    except Refused as reason:
        return refused(request, job, reason)
    if moved:
        messages.success(request, _("Moved to the secrets: %(paths)s") % {"paths": ", ".join(moved)})
    else:
        messages.warning(request, _("There is nothing that the secrets have a place for."))
    return redirect("job", uid)


def tell_secrets(request: PageRequest, job: Job) -> None:
    """Says which secrets a change took away, and which of those that are there nothing uses."""
    if job.dropped_secrets:
        names = ", ".join(job.dropped_secrets)
        text = _("The target or the script has changed, so these were removed; enter them again: %(names)s")
        messages.warning(request, text % {"names": names})
    if names := ", ".join(unused(job)):
        text = _("A job of this kind does not use these secrets: %(names)s")
        messages.warning(request, text % {"names": names})
