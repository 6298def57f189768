"""The pages of jobs: one job, and the verbs that need no run. The list: listing.py, the form: editing.py."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor, back
from accounts.pages.time_zone import zone_of_reader
from jobs import exposed_credentials, quotas, verbs
from jobs.changes import dependencies
from jobs.forms.page import PauseForm
from jobs.models import SCRIPT_OPTION, Job
from jobs.pages import previews, script
from jobs.pages.execution_settings import rules_of
from jobs.pages.form import after_save
from jobs.pages.helpers import asked_of, changeable_job, gone_is_404, may_change, refused, visible_job
from jobs.runners import RUNNERS
from jobs.templatetags.timing import zone_of
from jobs.verbs import Refused
from scheduler_site.lib import credentials
from scheduler_site.lib.encrypted import Undecryptable


@login_required
@require_GET
def job(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible_job(request, uid)
    runner = RUNNERS.get(found.kind)
    earlier, later = dependencies.neighbours(found, request.user)
    context = {
        "job": found,
        "saved": after_save.taken(request, found),
        "earlier": earlier,
        "later": later,
        "preview": previews.of_job(found),
        "pause": None if found.is_active else found.current_pause,
        "may_change": may_change(request.user, found),
        "whom": asked_of(found),
        "shown_zone": zone_of_reader(request, zone_of(found)),
        "target": runner.target(found.options, found.metadata) if runner else "",
        "options": _labelled(found),
        "rules": rules_of(found),
        "beyond": quotas.beyond(found),
        "script": found.options.get(SCRIPT_OPTION) if found.kind == Job.Kind.SCRIPT else None,
        "warning": script.warning(found.environment),
        "environment_url": script.url_of(found.environment),
        "exposed": exposed_credentials.exposed(found),
        "movable": bool(exposed_credentials.movable(found)),
        "secrets_unreadable": isinstance(found.secrets, Undecryptable),
    }
    return render(request, "jobs/job.html", context)


# Verbs -------------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
@gone_is_404
def pause(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid)
    form = PauseForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "jobs/pause.html", {"job": job, "form": form})
    try:
        until = form.until_in(zone_of(job))
        changed = verbs.pause(job, by=actor(request), reason=form.cleaned_data["reason"], until=until)
    except Refused as reason:
        form.add_error(None, str(reason))
        return render(request, "jobs/pause.html", {"job": job, "form": form}, status=409)
    text = _("“%(job)s” is paused.") if changed else _("“%(job)s” is already paused.")
    messages.success(request, text % {"job": job})
    return back(request, _url(job))


@login_required
@require_POST
@gone_is_404
def resume(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid)
    try:
        changed = verbs.resume(job, by=actor(request))
    except Refused as reason:
        return refused(request, job, reason)
    text = _("“%(job)s” is active again.") if changed else _("“%(job)s” is already active.")
    messages.success(request, text % {"job": job})
    return back(request, _url(job))


@login_required
@require_http_methods(["GET", "POST"])
@gone_is_404
def delete(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid, "jobs.delete_job")
    if request.method == "GET":
        return render(request, "jobs/delete.html", {"job": job})
    name = job.name
    try:
        verbs.delete(job, by=actor(request))
    except Refused as reason:
        return refused(request, job, reason)
    messages.success(request, _("“%(job)s” has been deleted.") % {"job": name})
    return redirect("jobs")


def _labelled(job: Job) -> list[tuple[str, Any]]:
    """The options under the names that the form gives them."""
    fields = RUNNERS[job.kind].options_form.base_fields if job.kind in RUNNERS else {}
    apart = (SCRIPT_OPTION,) if job.kind == Job.Kind.SCRIPT else ()
    return [
        (
            str(fields[name].label) if name in fields else name,
            _in_lines(value) if apart else _as_entered(value),
        )
        for name, value in credentials.masked(job.options).items()
        if name not in apart
    ]


def _as_entered(value: Any) -> str:
    """A text as it is; everything else as the JSON that the form and the API take."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _in_lines(value: Any) -> Any:
    """Arguments and variables as they are entered."""
    if isinstance(value, dict):
        value = [f"{name}={text}" for name, text in value.items()]
    return "\n".join(map(str, value)) if isinstance(value, list) else value


def _url(job: Job) -> str:
    return reverse("job", args=[job.uid])
