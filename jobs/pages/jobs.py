"""The pages of jobs: list, one job, the form, and the verbs that need no run."""

from __future__ import annotations

import uuid
from copy import copy
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage, Paginator
from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.pages.request import PageRequest, actor
from jobs import dependencies, quotas, timetable, verbs
from jobs.classes.catalog import meta_infos
from jobs.forms.job import form_data
from jobs.forms.page import PageJobForm, PauseForm, edge_rows, version_of
from jobs.models import SCRIPT_OPTION, Dependency, Job, Pause
from jobs.pages import conflicts, previews, script, test_run
from jobs.pages.conflicts import Row
from jobs.pages.filters import JobFilter
from jobs.pages.helpers import back, changeable_job, gone_is_404, may_change, refused, visible_job
from jobs.pages.rules import rules_of
from jobs.runners import RUNNERS
from jobs.templatetags.timing import zone_of
from jobs.verbs import Refused
from scheduler_site.lib.encrypted import Unreadable

PAGE_SIZE = 50
NAME_TAKEN = gettext_lazy("A job of this name exists already.")


@login_required
@require_GET
def jobs(request: PageRequest) -> HttpResponse:
    open_pauses = Prefetch(
        "pauses", Pause.objects.filter(ended_at=None).select_related("by"), to_attr="open_pauses"
    )
    visible = (
        Job.objects.visible_to(request.user)
        .select_related("category", "owner", "environment")
        .prefetch_related(open_pauses)
    )
    found = JobFilter(request.GET, queryset=visible, request=request)
    try:
        page = Paginator(found.qs, PAGE_SIZE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error
    rows = timetable.attach(page.object_list)
    changeable = Job.objects.changeable_by(request.user).filter(pk__in=[job.pk for job in rows])
    context = {
        "filter": found,
        "page": page,
        "jobs": rows,
        "changeable": set(changeable.values_list("pk", flat=True)),
        "narrowed": any(value for name, value in request.GET.items() if name not in ("page", "sort")),
    }
    return render(request, "jobs/list.html", context)


@login_required
@require_GET
def job(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible_job(request, uid)
    runner = RUNNERS.get(found.kind)
    earlier, later = dependencies.beside(found, request.user)
    context = {
        "job": found,
        "earlier": earlier,
        "later": later,
        "preview": previews.of_job(found),
        "pause": found.current_pause,
        "may_change": may_change(request.user, found),
        "target": runner.target(found.options, found.metadata) if runner else "",
        "options": _labelled(found),
        "rules": rules_of(found),
        "beyond": quotas.beyond(found),
        "script": found.options.get(SCRIPT_OPTION) if found.kind == Job.Kind.SCRIPT else None,
        "warning": script.warning(found.environment),
        "environment_url": script.url_of(found.environment),
        "secrets_unreadable": isinstance(found.secrets, Unreadable),
    }
    return render(request, "jobs/job.html", context)


# Make and change ---------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PageRequest) -> HttpResponse:
    if not request.user.has_perm("jobs.add_job"):
        raise PermissionDenied(_("Your role may not create jobs."))
    source = _source(request)
    kind = request.POST.get("kind") or request.GET.get("kind") or (source.kind if source else "")
    if kind not in RUNNERS:
        return render(request, "jobs/kinds.html", {"kinds": _offered(request)})
    if kind not in _offered(request):
        raise PermissionDenied(_("You may not create or change jobs that run code."))
    if request.method == "GET":
        initial = _initial(source, kind, request.user)
        return _form_page(request, PageJobForm(user=request.user, initial=initial), kind)
    form = PageJobForm(request.POST, user=request.user)
    if _is_asking(request) or not form.is_valid():
        return _form_page(request, form, kind)
    try:
        made = verbs.create(form.draft(), by=actor(request))
    except IntegrityError:
        # Somebody else took the name between the check and the insert.
        form.add_error("name", NAME_TAKEN)
        return _form_page(request, form, kind)
    except Refused as reason:
        form.add_error(None, str(reason))
        return _form_page(request, form, kind, status=409)
    messages.success(request, _("“%(job)s” has been created.") % {"job": made})
    _tell_if_over(request, made)
    return redirect("job", made.uid)


@login_required
@require_http_methods(["GET", "POST"])
@gone_is_404
def edit(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    job = changeable_job(request, uid)
    if job.kind not in RUNNERS:
        raise Http404
    # A bound form writes what was entered into its instance, valid or not; the page still needs the job as stored.
    form = PageJobForm(
        request.POST if request.method == "POST" else None, user=request.user, instance=copy(job)
    )
    if _is_asking(request) or not form.is_valid():
        return _form_page(request, form, job.kind, job)
    try:
        undecided = _save(form, job, request)
    except IntegrityError:
        form.add_error("name", NAME_TAKEN)
        return _form_page(request, form, job.kind, job)
    except Refused as reason:
        form.add_error(None, str(reason))
        return _form_page(request, form, job.kind, job, status=409)
    if undecided is not None:
        return _conflict(request, form, job, undecided)
    messages.success(request, _("“%(job)s” has been saved.") % {"job": form.cleaned_data["name"]})
    _tell_if_over(request, Job.objects.get(pk=job.pk))
    return redirect("job", uid)


@login_required
@require_GET
def preview(request: PageRequest) -> HttpResponse:
    """The live part of the form."""
    job = None
    if text := request.GET.get("job"):
        try:
            job = visible_job(request, uuid.UUID(text))
        except ValueError as error:
            raise Http404 from error
    shown = previews.of_input(request.GET, request.user, job)
    return render(request, "jobs/_preview.html", {"preview": shown})


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
    text = _("“%(job)s” is paused.") if changed else _("“%(job)s” was paused already.")
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
    text = _("“%(job)s” is active again.") if changed else _("“%(job)s” was active already.")
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


# The form ----------------------------------------------------------------------------------------------------------


def _form_page(
    request: PageRequest,
    form: PageJobForm,
    kind: str,
    job: Job | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    if form.is_bound:
        shown = previews.of_input(request.POST, request.user, job)
    else:
        given = bool(form.initial.get("schedule_kind"))
        shown = (
            previews.of_input(form.initial, request.user, job)
            if given
            else previews.Preview(form.initial["timezone"])
        )
    options = form.options_form(kind)
    context: dict[str, Any] = {
        "form": form,
        "options": options,
        "kind": kind,
        "label": RUNNERS[kind].label,
        "runner": RUNNERS[kind],
        "job": job,
        "preview": shown,
        "zones": sorted(available_timezones()),
        "conditions": Dependency.On.choices,
        "classes": meta_infos(settings.JOB_CLASS_PACKAGES) if kind == Job.Kind.PYTHON_CLASS else [],
        # Asking for a preview is no attempt to save: what is missing is not complained about yet.
        "quiet": _is_asking(request),
        "test": test_run.of_form(form, kind, request.user) if "test" in request.POST else None,
        "conflict": None,
        **more,
    }
    if kind == Job.Kind.SCRIPT:
        context |= script.context(form, options, request)
    return render(request, "jobs/form.html", context, status=status)


def _tell_if_over(request: PageRequest, job: Job) -> None:
    """An end date before the next due time is how people retire a job; whoever did not mean it learns at once."""
    if job.will_not_run_again:
        messages.warning(request, _("“%(job)s” will not run again by its schedule.") % {"job": job})


def _is_asking(request: PageRequest) -> bool:
    """Whether a button was pressed that saves nothing."""
    return any(name in request.POST for name in ("preview", "test", "install"))


def _save(form: PageJobForm, job: Job, request: PageRequest) -> list[Row] | None:
    """None when it is saved. Else nothing is, and these fields are to be decided, which somebody changed meanwhile."""
    with transaction.atomic():
        if form.cleaned_data["depends_on"] is not None:
            dependencies.alone()
        current = Job.objects.select_for_update().get(pk=job.pk)
        draft, read = form.draft(), form.cleaned_data["version"]
        if read != version_of(current):
            rows = conflicts.rows(current, draft, read, request.POST, request.user)
            if request.POST.get("seen") != version_of(current) or not all(row.chosen for row in rows):
                return rows
            draft = conflicts.settled(current, draft, rows)
        verbs.update(current, draft, by=actor(request))
        return None


def _conflict(request: PageRequest, form: PageJobForm, job: Job, rows: list[Row]) -> HttpResponse:
    current = Job.objects.select_related("updated_by").get(pk=job.pk)
    who = str(current.updated_by or _("Somebody"))
    text = _("%(who)s changed this job while you were editing it, so nothing has been saved.")
    form.add_error(None, text % {"who": who})
    more = {"conflict": rows, "who": who, "seen": version_of(current)}
    return _form_page(request, form, job.kind, job, status=409, **more)


def _offered(request: PageRequest) -> dict[str, Any]:
    """The kinds of job that the user may make."""
    may_run_code = request.user.has_perm("jobs.run_code")
    return {kind: runner for kind, runner in RUNNERS.items() if may_run_code or not runner.needs_code_right}


def _source(request: PageRequest) -> Job | None:
    """The job that a new one is to be a duplicate of."""
    if not (text := request.GET.get("copy")):
        return None
    try:
        return visible_job(request, uuid.UUID(text))
    except ValueError as error:
        raise Http404 from error


def _initial(source: Job | None, kind: str, user: User) -> dict[str, Any]:
    if source is None:
        return {"kind": kind}
    # Secrets are never shown, so they are not copied either.
    name = _("Copy of %(job)s") % {"job": source.name}
    edges = [row for row in edge_rows(source, user) if "hidden" not in row]
    return form_data(source) | {"name": name[:200], "depends_on": edges}


def _labelled(job: Job) -> list[tuple[str, Any]]:
    """The options under the names that the form gives them."""
    fields = RUNNERS[job.kind].options_form.base_fields if job.kind in RUNNERS else {}
    apart = (SCRIPT_OPTION,) if job.kind == Job.Kind.SCRIPT else ()
    return [
        (str(fields[name].label) if name in fields else name, _in_lines(value) if apart else value)
        for name, value in job.options.items()
        if name not in apart
    ]


def _in_lines(value: Any) -> Any:
    """Arguments and variables as they are entered."""
    if isinstance(value, dict):
        value = [f"{name}={text}" for name, text in value.items()]
    return "\n".join(map(str, value)) if isinstance(value, list) else value


def _url(job: Job) -> str:
    return reverse("job", args=[job.uid])
