"""The page of one's own sessions: where they are, and ending them."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.pages.forms import SURFACE
from accounts.permissions import account
from accounts.signin import logins
from audit.record import By

# So many are shown.
MOST = 200


@login_required
@never_cache
@require_GET
def sessions(request: HttpRequest) -> HttpResponse:
    found = list(logins.of(account(request))[:MOST])
    context = {"sessions": found, "present": request.session.session_key}
    return render(request, "accounts/sessions.html", context)


@login_required
@require_POST
def end(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    login = get_object_or_404(logins.of(account(request)), uid=uid)
    logins.end(login, by=By.request(request, SURFACE))
    messages.success(request, _("The session has been ended."))
    return redirect("sessions")


@login_required
@require_POST
def end_all(request: HttpRequest) -> HttpResponse:
    """Ends this session too."""
    logins.end_all(account(request), by=By.request(request, SURFACE))
    request.session.flush()
    return redirect("login")
