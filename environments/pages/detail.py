"""One environment: its use, its packages, and the verbs that change it; and one operation."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.pages.request import PageRequest, actor
from environments import usage, verbs
from environments.errors import Refused, worded
from environments.models import Environment, Operation
from environments.operations import contents
from environments.pages.access import changeable, may_cancel, may_change, visible, visible_operation
from environments.pages.forms import InstallForm, RenameForm

SHORT = 10
PAGE_SIZE = 100
Kind = Operation.Kind


@login_required
@require_GET
@vary_on_headers("HX-Target")
def environment(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible(request, uid)
    if request.htmx and request.htmx.target == "operation":
        return _live(request, found)
    return _page(request, found)


def _live(request: PageRequest, found: Environment) -> HttpResponse:
    current = _current(found)
    return _again(request, current, _operation_context(request, current) if current else {})


def _again(request: PageRequest, operation: Operation | None, context: dict[str, Any]) -> HttpResponse:
    """The live part while the operation is open; when it has ended the whole page is looked at again."""
    if operation is None or not operation.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "environments/_operation.html", context)


def _page(
    request: PageRequest,
    found: Environment,
    *,
    form: InstallForm | None = None,
    chosen: list[str] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    installed = contents.installed(found)
    query = request.GET.get("q", "").strip()
    matching = [package for package in installed if query.lower() in package.name.lower()]
    try:
        page = Paginator(matching, PAGE_SIZE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error
    current = _current(found)
    context: dict[str, Any] = {
        "environment": found,
        "usage": usage.of(found),
        "jobs": found.jobs.visible_to(request.user).order_by("name")[:100],
        "count": len(installed),
        "page": page,
        "q": query,
        "form": form or InstallForm(environment=found),
        "chosen": chosen or [],
        "refusal": refusal,
        "may_change": may_change(request, found),
        "recent": found.operations.exclude(state__in=Operation.OPEN).select_related("requested_by")[:SHORT],
    }
    if current is not None:
        context |= _operation_context(request, current)
    return render(request, "environments/environment.html", context, status=status)


def _current(found: Environment) -> Operation | None:
    """The operation that is open, or the last one where that did not succeed."""
    last = found.operations.select_related("environment", "requested_by").first()
    return last if last is not None and last.state != Operation.State.SUCCESS else None


def _operation_context(request: PageRequest, operation: Operation) -> dict[str, Any]:
    return {"operation": operation, "may_cancel": may_cancel(request, operation)}


# Verbs -----------------------------------------------------------------------------------------------------------------


@login_required
@require_POST
def packages(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """Installs what was written, or removes or updates what was chosen; `verb` says which."""
    found = changeable(request, uid)
    verb, chosen = request.POST.get("verb", ""), request.POST.getlist("package")
    form = InstallForm(request.POST if verb == "install" else None, environment=found)
    if verb == "install" and not form.is_valid():
        return _page(request, found, form=form)
    if verb in ("remove", "update") and not chosen:
        return _page(request, found, refusal=_("Choose at least one package."), status=400)
    by = actor(request)
    try:
        match verb:
            case "install":
                verbs.install(found, form.cleaned_data["packages"], by=by)
            case "remove":
                verbs.remove(found, chosen, by=by)
            case "update":
                verbs.update(found, chosen, by=by)
            case "update-all":
                verbs.update(found, by=by)
            case _:
                raise Http404
    except (Refused, verbs.Invalid) as refusal:
        shown = form if verb == "install" else None
        return _page(request, found, form=shown, chosen=chosen, refusal=worded(refusal), status=409)
    return redirect("environment", uid)


@login_required
@require_http_methods(["GET", "POST"])
def rename(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = changeable(request, uid)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    context = {"environment": found, "form": form}
    if not form.is_valid():
        return render(request, "environments/rename.html", context)
    try:
        verbs.rename(found, form.cleaned_data["name"], by=actor(request))
    except (Refused, verbs.Invalid) as refusal:
        form.add_error("name", worded(refusal))
        return render(request, "environments/rename.html", context, status=409)
    messages.success(request, _("The environment has been renamed."))
    return redirect("environment", uid)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = changeable(request, uid, "delete")
    context = {"environment": found, "jobs": found.jobs.order_by("name")[:100]}
    if request.method == "GET":
        return render(request, "environments/delete.html", context)
    try:
        operation = verbs.delete(found, by=actor(request))
    except Refused as refusal:
        return render(request, "environments/delete.html", context | {"refusal": worded(refusal)}, status=409)
    return redirect("operation", operation.uid)


# Operations ------------------------------------------------------------------------------------------------------------


@login_required
@require_GET
@vary_on_headers("HX-Target")
def operation(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible_operation(request, uid)
    again = {"name": found.environment_name, "packages": "\n".join(found.packages)}
    again |= {name: request.GET[name] for name in ("backend", "python_version") if request.GET.get(name)}
    failed = found.state in (Operation.State.FAILED, Operation.State.CANCELLED)
    context = _operation_context(request, found) | {
        "alone": True,
        "again": f"{reverse('environment-new')}?{urlencode(again)}"
        if failed and found.kind == Kind.CREATE and found.environment is None
        else "",
    }
    if request.htmx and request.htmx.target == "operation":
        return _again(request, found, context)
    return render(request, "environments/operation.html", context)


@login_required
@require_POST
def cancel(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    found = visible_operation(request, uid)
    if found.environment is not None and not may_change(request, found.environment):
        raise PermissionDenied(_("You may view this environment but not change it."))
    if not request.user.has_perm("environments.change_environment"):
        raise PermissionDenied(_("You may view this environment but not change it."))
    if verbs.cancel(found, by=actor(request)):
        messages.success(request, _("The operation is being cancelled."))
    else:
        messages.warning(request, _("The operation had ended already, or is being cancelled."))
    return redirect("operation", uid)
