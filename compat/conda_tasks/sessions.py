"""The one credential of this dialect: the cookie `session`, an opaque id that is worth something for 15 minutes.

Kept among Django's sessions, under the digest of the id and signed with a salt of its own: whoever reads the table cannot use
what is there, and no session of the pages is one of this dialect or the other way round. A session ends with its time, with
the logout, with the account, and with the account's password.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from contextlib import suppress

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.signin import logins
from audit.record import address_of

COOKIE = "session"
LIFETIME = dt.timedelta(minutes=15)
# Renewed while it is used, but not with every request: that would be a write for every look.
RENEWED_AFTER = dt.timedelta(minutes=1)
LONGEST = 200


class CondaSession(SessionStore):
    """Its name is part of the salt that sessions are signed with."""


def open_session(user: User) -> str:
    """A new id; sessions whose time is over are forgotten on the way."""
    now, token = timezone.now(), secrets.token_urlsafe(32)
    # Somebody else may be at the same rows; the next login tries again.
    with suppress(OperationalError):
        Session.objects.filter(expire_date__lt=now).delete()
    data = {"user": user.pk, "rev": user.get_session_auth_hash()}
    Session.objects.create(
        session_key=key_of(token), session_data=CondaSession().encode(data), expire_date=now + LIFETIME
    )
    return token


def account(request: HttpRequest) -> tuple[User | None, bool]:
    """Whose session the request is in, nobody for an id that is worth nothing; and whether the cookie is to be sent again."""
    token, now = request.COOKIES.get(COOKIE, ""), timezone.now()
    if not token or len(token) > LONGEST:
        return None, False
    row = Session.objects.filter(session_key=key_of(token), expire_date__gt=now).first()
    user = _owner(row) if row else None
    if row is None or user is None:
        return None, False
    if row.expire_date - now > LIFETIME - RENEWED_AFTER:
        return user, False
    # Of a session that was closed meanwhile there is no row to renew.
    rows = Session.objects.filter(session_key=row.session_key, expire_date__gt=now)
    renewed = rows.update(expire_date=now + LIFETIME) == 1
    if renewed:
        logins.seen(row.session_key, address_of(request), LIFETIME)
    return user, renewed


def close_session(request: HttpRequest) -> None:
    if token := request.COOKIES.get(COOKIE, "")[:LONGEST]:
        Session.objects.filter(session_key=key_of(token)).delete()


def set_cookie(response: HttpResponse, token: str) -> None:
    """An empty one takes the cookie away."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LIFETIME if token else 0,
        path=settings.SESSION_COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )
    if not token:  # which Python would write as `""`
        response.cookies[COOKIE].set(COOKIE, "", "")


def _owner(row: Session) -> User | None:
    data = CondaSession().decode(row.session_data)
    user = User.objects.filter(pk=data.get("user") or 0, is_active=True).first()
    revision = str(data.get("rev", ""))
    return user if user and constant_time_compare(revision, user.get_session_auth_hash()) else None


def key_of(token: str) -> str:
    """As long as a key of that table may be: 160 bits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()[:40]
