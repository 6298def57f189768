"""The pages of a verb for many jobs: a preview, the progress, and what became of each job."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from accounts.pages.request import PageRequest, actor, back
from accounts.pages.time_zone import zone_of_reader
from executions.bulk import apply, preview
from executions.bulk.commands import BulkCommand, Verb
from executions.models import BulkAction, BulkResult
from executions.pages.bulk_forms import CommandForm, form_for
from jobs.models import Job, JobQuerySet
from jobs.search.matching import TABS, Search
from jobs.search.query import with_word

# At most this many names of each kind are shown; the rest is counted.
SHOWN = 200


@login_required
@require_POST
def mark(request: PageRequest) -> HttpResponse:
    """Makes a preview of the jobs that are marked, or of all that the search finds."""
    verb = request.POST.get("verb", "")
    if verb not in Verb.values:
        messages.warning(request, _("Choose what is to be done."))
        return back(request, reverse("jobs"))
    _require(request.user, verb)
    return _planned(request, verb, *_meant(request))


@login_required
@require_POST
def hand_over(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """A preview of all jobs of one owner: for somebody who leaves."""
    verb = request.POST.get("verb", "")
    if verb not in (Verb.OWNER, Verb.TEAM):
        verb = Verb.OWNER.value
    _require(request.user, Verb.OWNER)
    leaver = get_object_or_404(User, uid=uid)
    jobs = Job.objects.visible_to(request.user).filter(owner=leaver)
    return _planned(request, verb, jobs, with_word("", "owner", leaver.username))


def _planned(request: PageRequest, verb: str, jobs: JobQuerySet, query: str) -> HttpResponse:
    try:
        action = preview.make(BulkCommand(verb), jobs, by=actor(request), query=query)
    except preview.TooMany:
        text = _("At most %(most)d jobs can be changed at once. Narrow the search.")
        messages.warning(request, text % {"most": preview.MOST})
        return back(request, reverse("jobs"))
    if not action.total:
        action.delete()
        messages.warning(request, _("Mark the jobs first."))
        return back(request, reverse("jobs"))
    _tell_if_changed(request, action)
    return redirect("jobs-bulk", action.uid)


def _require(user: User, verb: str) -> None:
    if not user.has_perm(BulkCommand(verb).permission):
        raise PermissionDenied(_("You may not do this to jobs."))


def _meant(request: PageRequest) -> tuple[JobQuerySet, str]:
    visible = Job.objects.visible_to(request.user)
    if "all" in request.POST:
        text, tab = request.POST.get("q", ""), request.POST.get("tab", "")
        search = Search.read(text, request.user)
        found = search.found(visible)
        if tab in TABS:
            found, text = found.filter(search.state(tab)), f"{text} is:{tab}".strip()
        return found, text
    return visible.filter(uid__in=_uids(request.POST.getlist("job")[: preview.MOST + 1])), ""


def _uids(texts: list[str]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def _tell_if_changed(request: PageRequest, action: BulkAction) -> None:
    """The list may be older than the preview: then the number that stood there was another one."""
    before = request.POST.get("count", "")
    if "all" in request.POST and before.isascii() and before.isdigit() and before != str(action.total):
        text = _("Now %(now)s jobs match instead of %(before)s.")
        messages.warning(request, text % {"now": action.total, "before": before})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Target")
def bulk(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """The preview, and once it goes on its progress. A POST with `go` does it, another shows the preview again."""
    action = get_object_or_404(BulkAction.objects.visible_to(request.user), uid=uid)
    if action.state != BulkAction.State.PLANNED:
        return _progress(request, action) if request.method == "GET" else redirect("jobs-bulk", uid)
    _require(request.user, action.verb)
    zone = zone_of_reader(request)
    data = request.POST if request.method == "POST" else None
    form = form_for(action.verb, data, user=request.user, zone_name=zone)
    command = form.command() if form.is_bound and form.is_valid() else BulkCommand(action.verb)
    found = preview.of(action, command, request.user)
    if form.is_bound and form.is_valid() and "go" in request.POST:
        refusal = _refusal(request, found)
        if not refusal:
            BulkAction.objects.filter(pk=action.pk).update(options=command.to_json())
            apply.begin(action)
            return redirect("jobs-bulk", uid)
        messages.warning(request, refusal)
    status = 400 if form.is_bound and not form.is_valid() else 200
    return render(request, "jobs/bulk.html", _preview(action, found, form, command), status=status)


def _refusal(request: PageRequest, found: preview.Preview) -> str:
    if not found.able:
        return _("None of these jobs can be changed.")
    if found.barred and "rest" not in request.POST:
        return _("Some of these jobs cannot be changed. Nothing has been done yet.")
    return ""


def _preview(
    action: BulkAction, found: preview.Preview, form: CommandForm, command: BulkCommand
) -> dict[str, Any]:
    return {
        "action": action,
        "plan": found,
        "form": form,
        "order": command,
        "able": found.able[:SHOWN],
        "unchanged": found.unchanged[:SHOWN],
        "barred": found.barred[:SHOWN],
        "zone": form.zone_name,
        "button": _button(action.verb, len(found.able), bool(found.barred)),
    }


def _button(verb: str, count: int, others: bool) -> str:
    """`Pause 11 jobs`, or `Pause the other 8 jobs` where some are left out."""
    values = {"verb": Verb(verb).label, "count": count}
    if others:
        text = ngettext("%(verb)s: the other %(count)d job", "%(verb)s: the other %(count)d jobs", count)
    else:
        text = ngettext("%(verb)s: %(count)d job", "%(verb)s: %(count)d jobs", count)
    return text % values


def _progress(request: PageRequest, action: BulkAction) -> HttpResponse:
    results = action.results.order_by("place")
    counts = Counter(dict(_counted(action)))
    context = {
        "action": action,
        "counts": [
            (outcome, counts[outcome.value]) for outcome in BulkResult.Outcome if counts[outcome.value]
        ],
        "results": results.exclude(outcome=BulkResult.Outcome.DONE)[:SHOWN],
        "good": results.filter(outcome=BulkResult.Outcome.DONE)[:SHOWN],
        "live": action.state == BulkAction.State.RUNNING,
    }
    part = request.htmx and request.htmx.target == "progress"
    return render(request, "jobs/_bulk_progress.html" if part else "jobs/bulk_done.html", context)


def _counted(action: BulkAction) -> list[tuple[str, int]]:
    return list(action.results.order_by().values_list("outcome").annotate(count=Count("pk")))


@login_required
@require_POST
def stop(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    action = get_object_or_404(BulkAction.objects.visible_to(request.user), uid=uid)
    planned = action.state == BulkAction.State.PLANNED
    if apply.stop(action):
        text = _("Nothing has been done.") if planned else _("Cancelled. What had been done stays.")
        messages.success(request, text)
    return redirect("jobs" if planned else "jobs-bulk", *(() if planned else (uid,)))
