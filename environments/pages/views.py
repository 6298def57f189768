"""The list of environments, the form for a new one, and what was found here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.pages.request import PageRequest, actor
from environments import available_backends, usage, verbs
from environments.errors import NameTaken, Refused, worded
from environments.models import Environment, Operation
from environments.operations import contents
from environments.pages.access import require_add
from environments.pages.forms import NewForm, RegisterForm


@login_required
@require_GET
def environments(request: PageRequest) -> HttpResponse:
    visible = Environment.objects.visible_to(request.user)
    rows = list(usage.with_jobs(visible).select_related("created_by").order_by("name"))
    counts = {row.pk: len(contents.installed(row)) for row in rows}
    most = max(counts.values(), default=0)
    largest = max((row.disk_bytes or 0 for row in rows), default=0)
    context = {
        "rows": [
            {
                "environment": row,
                "packages": counts[row.pk],
                "packages_bar": _percent(counts[row.pk], most),
                "disk_bar": _percent(row.disk_bytes or 0, largest),
            }
            for row in rows
        ],
        "summary": usage.summary(visible),
        "open": {one.environment_id: one for one in Operation.objects.open()},
        "backends": backends(),
        "discovered": len(available_backends.discovered()),
    }
    return render(request, "environments/list.html", context)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def backends() -> dict[str, Any]:
    """What pages say of the backends: the default, and why Conda cannot be used where that is so."""
    statuses = available_backends.statuses()
    default = available_backends.default_backend()
    unusable = statuses[default].problem if default in statuses else ""
    conda = statuses.get(Environment.Backend.CONDA)
    # Said only where Conda would have been taken.
    passed_over = conda.problem if conda and settings.ENVIRONMENT_BACKEND == "auto" else ""
    return {
        "default": Environment.Backend(default).label,
        "known": bool(statuses) or settings.ENVIRONMENT_BACKEND != "auto",
        "unusable": bool(unusable),
        "problem": unusable or passed_over,
        "pythons": sorted({one for status in statuses.values() for one in status.pythons}, key=_version),
    }


def _version(text: str) -> list[int]:
    """The newest first."""
    return [-int(part) for part in text.split(".") if part.isdigit()]


@login_required
@require_http_methods(["GET", "POST"])
def new(request: PageRequest) -> HttpResponse:
    require_add(request)
    if request.method == "GET":
        # What an operation that failed had been asked for.
        names = ("name", "backend", "python_version", "packages")
        return _new_page(request, NewForm(initial={name: request.GET.get(name, "") for name in names}))
    form = NewForm(request.POST)
    if not form.is_valid():
        return _new_page(request, form)
    entered = form.cleaned_data
    try:
        operation = verbs.create(
            entered["name"],
            python=entered["python_version"],
            packages=entered["packages"],
            backend=entered["backend"],
            by=actor(request),
        )
    except NameTaken as refusal:
        form.add_error("name", worded(refusal))
        return _new_page(request, form)
    except (Refused, verbs.Invalid) as refusal:
        form.add_error(None, worded(refusal))
        return _new_page(request, form, status=409)
    again = {name: entered[name] for name in ("backend", "python_version") if entered[name]}
    page = reverse("operation", args=[operation.uid])
    return redirect(f"{page}?{urlencode(again)}" if again else page)


def _new_page(request: PageRequest, form: NewForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "backends": backends()}
    return render(request, "environments/new.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def discovered(request: PageRequest) -> HttpResponse:
    """Environments of an installed Conda; each can be registered under a name."""
    if request.method == "GET":
        return _discovered_page(request)
    require_add(request)
    form = RegisterForm(request.POST)
    if not form.is_valid():
        return _discovered_page(request, form)
    try:
        made = verbs.register(form.cleaned_data["directory"], form.cleaned_data["name"], by=actor(request))
    except (Refused, verbs.Invalid) as refusal:
        form.add_error("name", worded(refusal))
        return _discovered_page(request, form, status=409)
    messages.success(request, _("“%(name)s” is being registered.") % {"name": made})
    return redirect("environment", made.uid)


def _discovered_page(
    request: PageRequest, form: RegisterForm | None = None, status: int = 200
) -> HttpResponse:
    entered = form.data.get("directory") if form else None
    found = [
        {
            "found": one,
            "form": form
            if form and entered == one.prefix
            else RegisterForm(initial={"name": one.name, "directory": one.prefix}, auto_id=f"id_{number}_%s"),
        }
        for number, one in enumerate(available_backends.discovered())
    ]
    # One that was registered by somebody else meanwhile has no row any more in which to say it.
    lost = form if form and entered not in [row["found"].prefix for row in found] else None  # type: ignore[attr-defined]
    external = available_backends.statuses().get(Environment.Backend.EXTERNAL)
    context = {
        "rows": found,
        "lost": lost,
        "problem": external.problem if external else "",
        "known": external,
    }
    return render(request, "environments/discovered.html", context, status=status)
