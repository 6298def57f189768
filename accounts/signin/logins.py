"""Sessions and logins of tokens: one row each, for the page where people see and end them.

What refuses an ended one costs no query of its own: sessions are rows that are deleted, tokens are asked for together with
their account (accounts/signin/json_web_tokens.py), and `end_all` changes what all of them are signed with.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from importlib import import_module

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Login, User
from accounts.signin import devices, json_web_tokens
from audit.models import Entry
from audit.record import Actor, address_of, record

# How long an address from which a user logged in counts as known.
REMEMBERED = dt.timedelta(days=90)
DEVICE = 200


def welcome(
    answer: HttpResponse,
    user: User,
    request: HttpRequest,
    surface: str,
    lifetime: dt.timedelta,
    *,
    uid: uuid.UUID | None = None,
    session_key: str = "",
) -> None:
    """Called after every successful login: records it and remembers the device. `uid`: that of its tokens."""
    now = timezone.now()
    values = {
        "user": user,
        "surface": surface,
        "device": request.headers.get("User-Agent", "").replace("\0", "")[:DEVICE],
        "address": address_of(request),
        "session_key": session_key,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + lifetime,
        "ended_at": None,
    }
    Login.objects.update_or_create(uid=uid or uuid.uuid4(), defaults=values)
    devices.remember(answer, request, user)


def of(user: User) -> QuerySet[Login]:
    """The valid logins of an account, most recently used first."""
    return user.logins.filter(ended_at=None, expires_at__gt=timezone.now())


def seen(session_key: str, address: str | None, lifetime: dt.timedelta) -> None:
    """Notes that a session is in use; it lives on for `lifetime` from now."""
    now = timezone.now()
    with contextlib.suppress(OperationalError):  # a busy database: the next request notes it
        rows = Login.objects.filter(session_key=session_key, ended_at=None)
        rows.update(last_seen_at=now, address=address, expires_at=now + lifetime)


@transaction.atomic
def end(login: Login, *, by: Actor) -> bool:
    """Ends one login at once. False when it had ended."""
    if not Login.objects.filter(pk=login.pk, ended_at=None).update(ended_at=timezone.now()):
        return False
    _forget(login)
    told = f"{login.surface}, {login.device or 'unknown device'}, {login.address or 'unknown address'}"
    record(Entry.Event.LOGOUT, login.user, by=by, description=told)
    return True


def ended(user: User, *, uid: str = "", session_key: str = "") -> None:
    """Notes that somebody has logged out."""
    if session_key:
        user.logins.filter(session_key=session_key).update(ended_at=timezone.now())
    if uid:
        with contextlib.suppress(ValueError):
            user.logins.filter(uid=uuid.UUID(uid)).update(ended_at=timezone.now())


@transaction.atomic
def end_all(user: User, *, by: Actor) -> int:
    """Ends every session and every token of a login, those of older versions as well; returns how many were in the list.

    API tokens go on: they are revoked on a page of their own.
    """
    User.objects.filter(pk=user.pk).update(sessions_ended=F("sessions_ended") + 1)
    count = all_ended(user)
    record(Entry.Event.LOGOUT, user, by=by, description="everywhere")
    return count


def all_ended(user: User) -> int:
    """Notes that all logins of the account have ended; returns how many were good until now."""
    good = of(user)
    for key in list(good.exclude(session_key="").values_list("session_key", flat=True)):
        _delete_session(key)
    return good.update(ended_at=timezone.now())


def knows_address(user: User, address: str | None) -> bool:
    """Whether the account logged in from this address lately."""
    since = timezone.now() - REMEMBERED
    return bool(address) and user.logins.filter(address=address, created_at__gt=since).exists()


def flush() -> int:
    """Forgets logins that are long over; returns how many."""
    return Login.objects.filter(expires_at__lte=timezone.now() - REMEMBERED).delete()[0]


def _forget(login: Login) -> None:
    if login.session_key:
        _delete_session(login.session_key)
    else:
        json_web_tokens.revoke(login.uid.hex, login.user)


def _delete_session(key: str) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(key).delete()
