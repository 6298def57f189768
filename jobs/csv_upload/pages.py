"""The page for many jobs at once: upload a file, see what would become of each row, then say yes."""

from __future__ import annotations

import base64
import secrets
import zlib

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError

from accounts.models import User
from accounts.pages.request import PageRequest, actor
from jobs.csv_upload.report import Report, process
from jobs.csv_upload.table import Table, UnusableFile, read
from jobs.csv_upload.upload import TooLarge, content, limited

# How long a file that was looked at waits for its confirmation.
KEPT_SECONDS = 1800
SHOWN_ROWS = 200
CACHE_ERRORS = (RedisError, OSError)


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"), widget=forms.FileInput(attrs={"accept": ".csv,text/csv"})
    )
    owner = forms.CharField(
        label=gettext_lazy("GitHub owner"),
        required=False,
        max_length=39,
        help_text=gettext_lazy("For rows that name a repository without its owner."),
    )


@limited
def upload(request: PageRequest) -> HttpResponse:
    _require_right(request.user)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "jobs/upload.html", _context(form))
    owner = form.cleaned_data["owner"]
    try:
        data = content(form.cleaned_data["file"])
        report = process(_table(data), by=actor(request), default_owner=owner, dry_run=True)
        token = _keep(request.user, data, owner) if report.jobs else ""
    except (UnusableFile, TooLarge) as problem:
        form.add_error("file", str(problem))
    except CACHE_ERRORS:
        form.add_error(None, _("The file cannot be kept for your confirmation just now. Try again later."))
    else:
        return render(request, "jobs/uploaded.html", _report_context(report) | {"token": token})
    return render(request, "jobs/upload.html", _context(form), status=400)


@login_required
@require_POST
def confirm(request: PageRequest, token: str) -> HttpResponse:
    """Makes the jobs of a file that was looked at; once, however often the button is pressed."""
    _require_right(request.user)
    try:
        kept = _take(request.user, token)
    except CACHE_ERRORS:
        kept = None
    if kept is None:
        messages.error(request, _("This file is not here any more. Upload it again."))
        return redirect("job-upload")
    data, owner = kept
    report = process(_table(data), by=actor(request), default_owner=owner, dry_run=False)
    return render(request, "jobs/uploaded.html", _report_context(report))


def _require_right(user: User) -> None:
    if not user.has_perm("jobs.add_job"):
        raise PermissionDenied(_("Your role may not create jobs."))


def _table(data: bytes) -> Table:
    return read(data, most=settings.BULK_UPLOAD_MAX_ROWS)


def _context(form: UploadForm) -> dict[str, object]:
    return {
        "form": form,
        "most_rows": settings.BULK_UPLOAD_MAX_ROWS,
        "most_bytes": settings.BULK_UPLOAD_MAX_BYTES,
    }


def _report_context(report: Report) -> dict[str, object]:
    good, bad = len(report.jobs), len(report.problems)
    return {
        "report": report,
        "jobs": report.jobs[:SHOWN_ROWS],
        "problems": report.problems[:SHOWN_ROWS],
        "more_jobs": max(good - SHOWN_ROWS, 0),
        "more_problems": max(bad - SHOWN_ROWS, 0),
        "button": ngettext("Create %(count)d job", "Create %(count)d jobs", good) % {"count": good},
    }


def _key(user: User) -> str:
    # One file for each account: the cache must not fill up with files that nobody confirms.
    return f"bulk:{user.uid}"


def _keep(user: User, data: bytes, owner: str) -> str:
    token = secrets.token_urlsafe(16)
    cache.set(_key(user), [token, base64.b64encode(zlib.compress(data)).decode(), owner], KEPT_SECONDS)
    return token


def _take(user: User, token: str) -> tuple[bytes, str] | None:
    """The file and the owner, for the first who asks; an earlier file gives way to a later one."""
    kept = cache.get(_key(user))
    if kept is None or kept[0] != token or not cache.delete(_key(user)):
        return None
    return zlib.decompress(base64.b64decode(kept[1])), kept[2]
