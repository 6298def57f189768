"""The page of a job's history: what was done to it."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from audit.models import Entry
from audit.search import page_of
from jobs.pages import PageRequest, visible_job


@login_required
@require_GET
def history(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = visible_job(request, uid)
    try:
        page = page_of(Entry.objects.about(job.uid).defer("snapshot"), request.GET.get("cursor", ""))
    except ValueError as error:
        raise Http404(_("There is no such page.")) from error
    return render(request, "audit/job_history.html", {"job": job, "page": page})
