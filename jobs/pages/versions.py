"""The pages of a job's history: what was done to it, its versions side by side, and the way back to one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.pages.request import PageRequest, actor
from audit import diff
from audit.models import Entry
from audit.search import page_of
from jobs import redaction, versions
from jobs.models import Job
from jobs.pages.helpers import changeable_job, gone_is_404, may_change, visible_job
from jobs.pages.repair import tell_secrets
from jobs.verbs import Refused


@login_required
@require_GET
def history(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = visible_job(request, uid)
    try:
        page = page_of(Entry.objects.about(job.uid).defer("snapshot"), request.GET.get("cursor", ""))
    except ValueError as error:
        raise Http404(_("There is no such page.")) from error
    redaction.for_reader(page.entries, request.user)
    return render(request, "audit/job_history.html", {"job": job, "page": page})


@login_required
@require_GET
def compare(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Two versions, `old` and `new` by their numbers; the last two when none are named."""
    job = visible_job(request, uid)
    return _comparison(request, job, request.GET.get("old", ""), request.GET.get("new", ""))


@login_required
@require_POST
@gone_is_404
def restore(request: PageRequest, uid: uuid.UUID, number: int) -> HttpResponse:
    job = changeable_job(request, uid)
    if versions.one(job.uid, number) is None:
        raise Http404(_("There is no such page."))
    try:
        changed = versions.restore(job, number, by=actor(request), user=request.user)
    except versions.Unrestorable as reason:
        return _refused(request, job, number, reason.problems)
    except Refused as reason:
        return _refused(request, job, number, [str(reason)])
    except IntegrityError:
        return _refused(request, job, number, [_("A job of this name exists already.")])
    tell_secrets(request, job)
    text = (
        _("Version %(number)d has been restored.") if changed else _("The job is as in version %(number)d.")
    )
    messages.success(request, text % {"number": number})
    return redirect("job", uid)


def _refused(request: PageRequest, job: Job, number: int, problems: list[str]) -> HttpResponse:
    more = {"problems": problems, "refused": number}
    return _comparison(request, job, str(number), "", status=409, **more)


def _comparison(
    request: PageRequest, job: Job, old: str, new: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    known = versions.newest(job.uid)
    context: dict[str, Any] = {"job": job, "versions": known, **more}
    if known:
        latest = known[0]
        right = _named(job, new) or latest
        left = _named(job, old) or next((one for one in known if one.version != right.version), right)
        redaction.for_reader([left, right], request.user)
        context |= {
            "old": left,
            "new": right,
            "rows": diff.between(left.snapshot or {}, right.snapshot or {}),
            "restorable": [one for one in _different(left, right) if one.version != latest.version],
            "may_change": may_change(request.user, job),
        }
    return render(request, "audit/versions.html", context, status=status)


def _different(left: Entry, right: Entry) -> list[Entry]:
    return [left] if left.version == right.version else [left, right]


def _named(job: Job, text: str) -> Entry | None:
    """The version of this number, None where none is named; 404 for one that is not there."""
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = versions.one(job.uid, number)
    if found is None:
        raise Http404(_("There is no such page."))
    return found
