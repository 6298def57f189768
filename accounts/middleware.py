"""Middleware for pages: extends sessions, and keeps what was typed into a form after the session had ended."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.pages import expired_session
from accounts.signin import logins
from audit.record import address_of
from scheduler_site.rest.database_unavailable import DATABASE_ERRORS


class KeptFormMiddleware:
    """Keeps what was typed into a form when the session had ended: it goes through the login (pages/expired_session.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if expired_session.is_redirect_to_login(request, response):
            return expired_session.login_page(request) or response
        return response


class SlidingSessionMiddleware:
    """Extends the session on user activity; automatic page refreshes do not count.

    Written at most every ten minutes: a row per request would be a write for every look.
    """

    EVERY = 600

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HX-Request" not in request.headers:
            # Without a database the view says so itself, where it needs one; the health check answers in its own way.
            with contextlib.suppress(*DATABASE_ERRORS):
                self._note(request)
        return self.get_response(request)

    def _note(self, request: HttpRequest) -> None:
        if request.user.is_authenticated and "_auth_user_id" in request.session:
            now = int(time.time())
            if now - request.session.get("_seen", 0) >= self.EVERY:
                request.session["_seen"] = now
                lifetime = dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
                logins.seen(request.session.session_key or "", address_of(request), lifetime)
