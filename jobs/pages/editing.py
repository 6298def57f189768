"""The form in which a job is made and changed, with its preview."""

from __future__ import annotations

import uuid
from copy import copy
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from accounts.pages.request import PageRequest, actor
from jobs import verbs, versions
from jobs.changes import dependencies
from jobs.classes.catalog import meta_infos
from jobs.forms.job import form_data
from jobs.forms.page import PageJobForm, edge_rows, version_of
from jobs.models import Dependency, Job
from jobs.pages import conflicts, previews, script, test_run
from jobs.pages.conflicts import Row
from jobs.pages.form import after_save, builder, summaries
from jobs.pages.helpers import changeable_job, gone_is_404, visible_job
from jobs.pages.repair import tell_secrets
from jobs.runners import RUNNERS, OptionsForm
from jobs.verbs import Refused

NAME_TAKEN = gettext_lazy("A job of this name exists already.")


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
    form = PageJobForm(builder.with_expression(request.POST), user=request.user)
    if _is_asking(request) or not form.is_valid():
        return _form_page(request, form, kind)
    try:
        made = verbs.create(form.changes(), by=actor(request))
    except IntegrityError:
        # Somebody else took the name between the check and the insert.
        form.add_error("name", NAME_TAKEN)
        return _form_page(request, form, kind)
    except Refused as reason:
        form.add_error(None, str(reason))
        return _form_page(request, form, kind, status=409)
    messages.success(request, _("“%(job)s” has been created.") % {"job": made})
    tell_secrets(request, made)
    after_save.remember(request, made, draft=f"new:{kind}")
    tell_secrets(request, made)
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
    sent = builder.with_expression(request.POST) if request.method == "POST" else None
    form = PageJobForm(sent, user=request.user, instance=copy(job))
    if _is_asking(request) or not form.is_valid():
        return _form_page(request, form, job.kind, job)
    before = versions.newest_number(job.uid)
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
    after_save.remember(request, job, draft=str(job.uid), before=before)
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


def _form_page(
    request: PageRequest,
    form: PageJobForm,
    kind: str,
    job: Job | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    if form.is_bound:
        shown = previews.of_input(form.data, request.user, job)
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
        "more": [field for field in options.visible_fields() if not field.field.required],
        "more_used": _is_used(options),
        "kind": kind,
        "label": RUNNERS[kind].label,
        "runner": RUNNERS[kind],
        "job": job,
        "preview": shown,
        "builder": builder.shown(request.POST if form.is_bound else None, form["expression"].value() or ""),
        "summaries": summaries.of_form(form),
        # What was typed and not saved is kept in the browser under this name, and offered where the form is fresh.
        "draft": f"{request.user.uid}:{job.uid if job else f'new:{kind}'}",
        "zones": sorted(available_timezones()),
        "conditions": Dependency.On.choices,
        "classes": meta_infos(settings.JOB_CLASS_PACKAGES) if kind == Job.Kind.PYTHON_CLASS else [],
        # The folded parts, when something is to be corrected: it may be in any of them.
        "open": bool(form.errors) and not _is_asking(request),
        # Asking for a preview is no attempt to save: what is missing is not complained about yet.
        "quiet": _is_asking(request),
        "test": test_run.of_form(form, kind, request.user) if "test" in request.POST else None,
        "conflict": None,
        **more,
    }
    if kind == Job.Kind.SCRIPT:
        context |= script.context(form, options, request)
    return render(request, "jobs/form.html", context, status=status)


def _is_used(options: OptionsForm) -> bool:
    """Whether one of the optional fields holds something, or is to be corrected: then they are shown unfolded."""
    optional = [field for field in options.visible_fields() if not field.field.required]
    return any(field.errors or field.value() not in (None, "", False, [], {}) for field in optional)


def _tell_if_over(request: PageRequest, job: Job) -> None:
    """An end date before the next due time is how people retire a job; whoever did not mean it learns at once."""
    if job.will_not_run_again:
        messages.warning(request, _("“%(job)s” has no scheduled runs left.") % {"job": job})


def _is_asking(request: PageRequest) -> bool:
    """Whether a button was pressed that saves nothing."""
    return any(
        name in request.POST for name in ("preview", "test", "install", builder.BUTTON, builder.SUGGESTED)
    )


def _save(form: PageJobForm, job: Job, request: PageRequest) -> list[Row] | None:
    """None when it is saved. Else nothing is, and these fields are to be decided, which somebody changed meanwhile."""
    with transaction.atomic():
        if form.cleaned_data["depends_on"] is not None:
            dependencies.lock_graph()
        current = Job.objects.select_for_update().get(pk=job.pk)
        changes, read = form.changes(), form.cleaned_data["version"]
        if read != version_of(current):
            rows = conflicts.rows(current, changes, read, request.POST, request.user)
            if request.POST.get("seen") != version_of(current) or not all(row.chosen for row in rows):
                return rows
            changes = conflicts.settled(current, changes, rows)
        tell_secrets(request, verbs.update(current, changes, by=actor(request)))
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
