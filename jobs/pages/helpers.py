"""What the pages share: lookups that check permission, and refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from accounts.contacts import contact_hint
from accounts.models import User
from accounts.pages.request import PageRequest
from jobs.models import Job

P = ParamSpec("P")


def visible_job(request: PageRequest, uid: uuid.UUID) -> Job:
    """The job, or 404 for one that is not there or that the user may not see."""
    jobs = Job.objects.visible_to(request.user).select_related(
        "category", "team", "owner", "updated_by", "environment"
    )
    return get_object_or_404(jobs, uid=uid)


def changeable_job(request: PageRequest, uid: uuid.UUID, permission: str = "jobs.change_job") -> Job:
    """The job; 403 when the user may see it but not change it (or lacks `permission`)."""
    job = visible_job(request, uid)
    if not (request.user.has_perm(permission) and may_change(request.user, job)):
        raise PermissionDenied(f"{_('You may view this job but not change or run it.')} {asked_of(job)}")
    return job


def asked_of(job: Job) -> str:
    """Whom to ask about the job."""
    return contact_hint(job.owner, job.team)


def may_change(user: User, job: Job) -> bool:
    """By permission and scope: one query."""
    return Job.objects.changeable_by(user).filter(pk=job.pk).exists()


def gone_is_404(
    view: Callable[Concatenate[PageRequest, P], HttpResponse],
) -> Callable[Concatenate[PageRequest, P], HttpResponse]:
    """For pages that change a job: somebody else may delete it between the look at it and the change."""

    @wraps(view)
    def guarded(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Job.DoesNotExist as error:
            raise Http404(_("There is no such page.")) from error

    return guarded


def refused(request: PageRequest, job: Job | None, reason: Exception) -> HttpResponse:
    """409: what was asked for cannot be done now, and why."""
    return render(request, "jobs/refused.html", {"job": job, "reason": str(reason)}, status=409)
