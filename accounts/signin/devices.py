"""Devices that an account has logged in from: a signed cookie, so that others who guess the password do not lock its owner out.

The cookie opens nothing: without the password it is worth nothing. It stops counting with a new password, and with the end
of all logins (OWASP, "Slow down online guessing attacks with device cookies").
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from accounts.models import User

COOKIE = "belfry_device"
SALT = "accounts.devices"
LIFETIME = dt.timedelta(days=180)
LONGEST = 500


def known(request: HttpRequest | None, user: User) -> str:
    """An id of the device when it is one of the account's, else nothing."""
    raw = request.COOKIES.get(COOKIE, "") if request is not None else ""
    if not raw or len(raw) > LONGEST:
        return ""
    try:
        value = signing.loads(raw, salt=SALT, max_age=LIFETIME)
        account, revision, device = value
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    same = constant_time_compare(str(revision), _revision(user))
    return str(device) if account == str(user.uid) and same else ""


def remember(response: HttpResponse, request: HttpRequest, user: User) -> None:
    """Makes the device of this answer one of the account's."""
    device = known(request, user) or secrets.token_urlsafe(9)
    response.set_cookie(
        COOKIE,
        signing.dumps([str(user.uid), _revision(user), device], salt=SALT),
        max_age=LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )


def _revision(user: User) -> str:
    return user.get_session_auth_hash()[:16]
