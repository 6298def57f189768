"""What the pages of the registry share: who may, whose name a change bears, and pages that hold one form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.pages.request import PageRequest
from themes.models import Traced

from ..errors import Changed, Refusal, Unknown
from .forms import RegistryForm

P = ParamSpec("P")
Page = Callable[Concatenate[PageRequest, P], HttpResponse]


def _needing(right: str, view: Page[P]) -> Page[P]:
    @wraps(view)
    def guarded(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.has_perm(right):
            raise PermissionDenied(_("Your role may not change the registry."))
        return view(request, *args, **kwargs)

    return guarded


def reads(view: Page[P]) -> Page[P]:
    """A page for everybody who may see the registry."""
    return login_required(require_GET(_needing("themes.view_registry", view)))


def changes(view: Page[P]) -> Page[P]:
    """A page with a form that changes it."""
    return login_required(require_http_methods(["GET", "POST"])(_needing("themes.change_registry", view)))


def may_change(request: PageRequest) -> bool:
    return request.user.has_perm("themes.change_registry")


def form_page(
    request: PageRequest,
    form: forms.BaseForm,
    save: Callable[[], str],
    *,
    title: str | Promise,
    back: str,
    button: str | Promise = "",
    about: str | Promise = "",
) -> HttpResponse:
    """Shows the form, or what is wrong with it, until `save` goes through; then `back`, with what `save` says."""
    context = {"form": form, "title": title, "back": back, "button": button, "about": about}
    if request.method != "POST" or not form.is_valid():
        return render(request, "themes/form.html", context)
    try:
        done = save()
    except Unknown as refusal:
        raise Http404(str(refusal)) from refusal
    except Refusal as refusal:
        if isinstance(refusal, Changed) and isinstance(form, RegistryForm):
            form.renew(refusal.version)
        form.add_error(None, str(refusal))
        return render(request, "themes/form.html", context, status=refusal.status)
    messages.success(request, done)
    return redirect(back)


def delete_page(
    request: PageRequest,
    row: Traced,
    delete: Callable[[], Any],
    *,
    back: str,
    then: str,
    about: str | Promise,
) -> HttpResponse:
    """Asks for confirmation; reasons against it are shown on the same page."""
    context: dict[str, Any] = {"row": row, "back": back, "about": about}
    if request.method == "GET":
        return render(request, "themes/delete.html", context)
    name = str(row)
    try:
        delete()
    except Unknown as refusal:
        raise Http404(str(refusal)) from refusal
    except Refusal as refusal:
        return render(request, "themes/delete.html", context | {"refusal": refusal}, status=refusal.status)
    messages.success(request, _("“%(name)s” has been deleted.") % {"name": name})
    return redirect(then)
