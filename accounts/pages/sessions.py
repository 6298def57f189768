"""The page of one's own sessions: where they are, and ending them."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.pages.request import PageRequest, actor
from accounts.signin import logins

# At most this many sessions are shown.
MOST = 200


@login_required
@never_cache
@require_GET
def sessions(request: PageRequest) -> HttpResponse:
    found = list(logins.of(request.user)[:MOST])
    context = {"sessions": found, "present": request.session.session_key}
    return render(request, "accounts/sessions.html", context)


@login_required
@require_POST
def end(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    login = get_object_or_404(logins.of(request.user), uid=uid)
    logins.end(login, by=actor(request))
    messages.success(request, _("The session has been ended."))
    return redirect("sessions")


@login_required
@require_POST
def end_all(request: PageRequest) -> HttpResponse:
    """Ends this session too."""
    logins.end_all(request.user, by=actor(request))
    request.session.flush()
    return redirect("login")
