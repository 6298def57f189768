"""What the form of a script shows beside its fields: the state of the environments, and the limits of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.pages.request import PageRequest, actor
from environments.models import Environment
from jobs.forms import environment_field, missing_packages
from jobs.forms.environment_field import EnvironmentField
from jobs.forms.missing_packages import MissingPackages
from jobs.forms.page import PageJobForm
from jobs.runners import OptionsForm, limits

State = Environment.State
# Options that have places of their own on the page.
APART = ("script", "path", "requirements")
WARNINGS = {
    State.CREATING: gettext_lazy(
        "This environment is being created. Until it is ready, runs wait for it or fail."
    ),
    State.BROKEN: gettext_lazy("This environment is broken, and runs in it may fail: %(error)s"),
    State.DELETING: gettext_lazy("This environment is being deleted. Choose another one."),
    State.ABSENT: gettext_lazy(
        "This environment does not exist. Create it, or choose another one: runs fail until then."
    ),
}


@dataclass(frozen=True)
class Environments:
    """`none`: there is nothing to choose. `chosen`: the one that was entered or is stored."""

    none: bool
    chosen: Environment | None
    may_add: bool
    new_url: str

    @property
    def warning(self) -> str:
        return warning(self.chosen)


def context(form: PageJobForm, options: OptionsForm, request: PageRequest) -> dict[str, Any]:
    path = options["path"].value() if "path" in options.fields else ""
    # For its mark only: what is missing is told by `JobForm.clean`, which knows the kind.
    form.fields["environment"].required = True
    shown = environments(form, request.user)
    missing = missing_packages.of(shown.chosen, options["requirements"].value(), request.user)
    if "install" in request.POST and missing and missing.packages:
        missing = install(missing, request)
    return {
        "environments": shown,
        "lacking": missing,
        "apart": (*APART, *limits.NAMES),
        "limits": [options[name] for name in limits.NAMES if name in options.fields],
        "limited": any(
            options[name].value() or options[name].errors for name in limits.NAMES if name in options.fields
        ),
        "most_bytes": settings.SCRIPT_MAX_BYTES,
        # A path that is stored stays in sight, though the setting may be gone.
        "by_path": "path" in options.fields and bool(settings.SCRIPT_DIRECTORIES or path),
    }


def environments(form: PageJobForm, user: User) -> Environments:
    field = cast("EnvironmentField", form.fields["environment"])
    try:
        chosen = field.to_python(form["environment"].value())
    except ValidationError:
        chosen = None
    none = chosen is None and not field.queryset.exists()  # type: ignore[union-attr]
    return Environments(
        none,
        chosen,
        user.has_perm("environments.add_environment"),
        missing_packages.url_of("environment-new"),
    )


def install(missing: MissingPackages, request: PageRequest) -> MissingPackages:
    """The press of the button; 403 for environments of others."""
    if not missing.may_install:
        raise PermissionDenied(_("You may not change this environment."))
    return missing_packages.install(missing, by=actor(request))


@login_required
@require_POST
def lacking_part(request: PageRequest) -> HttpResponse:
    """The part of the form that says what the chosen environment lacks."""
    if not (request.user.has_perm("jobs.add_job") and request.user.has_perm("jobs.run_code")):
        raise PermissionDenied(_("You may not create or change jobs that run code."))
    environment = environment_field.named(request.POST.get("environment", ""), request.user)
    missing = missing_packages.of(environment, request.POST.get("options-requirements", ""), request.user)
    return render(request, "jobs/_lacking.html", {"lacking": missing})


def warning(environment: Environment | None) -> str:
    """Why runs in it will not succeed at present; empty where nothing is wrong with it."""
    text = WARNINGS.get(State(environment.state)) if environment else None
    if environment is None or text is None:
        return ""
    return str(text) % {"error": environment.error or _("unknown")} if "%(" in str(text) else str(text)


def url_of(environment: Environment | None) -> str:
    """Its page; empty for none, and for one that does not exist."""
    there = environment is not None and environment.state != State.ABSENT
    return missing_packages.url_of("environment", environment.uid) if environment and there else ""
