"""JSON Web Tokens: a short-lived access token and the refresh token that renews it.

Claims: `sub` (the account's uid), `role`, `email`, `iat`, `exp`, `type` (access or refresh), `fresh` (on
access tokens), `sid` (the login, shared by its tokens), `rev` (changes with the password), `auth_time` (when the
password was given, OpenID Connect Core 2) and `rot` (on refresh tokens that are good for one use). They identify; what
the account may do is always read from the database.

What was ended is in simplejwt's blacklist: a login under its `sid`, a refresh token that was used up under its `jti`. It is
asked for in the query that reads the account.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, Token, UntypedToken

from accounts import readers
from accounts.models import Login, User
from scheduler_site.lib.database.prepared import Prepared

Kind = Literal["access", "refresh"]
ACCESS_LIFETIME: timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]  # type: ignore[assignment]
REFRESH_LIFETIME: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]  # type: ignore[assignment]
# The last use of a login is stored at most this often: a read must not be a write each time.
NOTED = timedelta(minutes=5)


class TokenRefused(Exception):
    """The token is not accepted; the text says why and may be shown."""


class RefreshToken(Token):
    """simplejwt's own writes a row for every login; ours is written down only when it is revoked."""

    token_type = "refresh"  # noqa: S105
    lifetime = REFRESH_LIFETIME


def issue(user: User, *, login: UUID | None = None, rotating: bool = False) -> tuple[str, str]:
    """The access and the refresh token of a new login; a `rotating` refresh token is valid for one use."""
    sid, now = (login or uuid4()).hex, int(timezone.now().timestamp())
    return access_token(user, sid, now), refresh_token(user, sid, now, rotating=rotating)


def access_token(user: User, login: str, since: int) -> str:
    """`since`: when the password was given, in Unix time."""
    return _signed(AccessToken(), user, login, fresh=True, auth_time=since)


def refresh_token(user: User, login: str, since: int, *, rotating: bool) -> str:
    rotation = {"rot": True} if rotating else {}
    return _signed(RefreshToken(), user, login, auth_time=since, **rotation)


def since(payload: dict[str, Any]) -> int:
    """When the password was given, in Unix time; 0 where a token does not say."""
    told = payload.get("auth_time")
    return told if isinstance(told, int) and not isinstance(told, bool) else 0


def rotated(payload: dict[str, Any], user: User) -> str | None:
    """The refresh token that takes the place of a rotating one; None for one that is good until it expires.

    Raises TokenRefused for one that was used before: somebody has a copy, so all tokens of the login end.
    """
    if not payload.get("rot"):
        return None
    login = str(payload.get("sid"))
    if not revoke(str(payload.get("jti")), user):
        revoke(login, user)
        raise TokenRefused("Token has been used before; this login has been ended")
    # The next token is good for longer than the one before it, and so is the login.
    with contextlib.suppress(ValueError):
        Login.objects.filter(uid=UUID(login)).update(expires_at=timezone.now() + REFRESH_LIFETIME)
    return refresh_token(user, login, since(payload), rotating=True)


def _signed(token: Token, user: User, login: str, **claims: Any) -> str:
    identity = {"sub": str(user.uid), "role": user.role, "email": user.email, "sid": login}
    for name, value in (identity | claims | {"rev": _revision(user)}).items():
        token[name] = value
    return str(token)


def _revision(user: User) -> str:
    """Django's own mark for sessions: a keyed digest of the password's hash, so a change ends old tokens."""
    return user.get_session_auth_hash()


def claims(raw: str, kind: Kind) -> dict[str, Any]:
    """The verified claims of a token. Raises TokenRefused."""
    try:
        payload: dict[str, Any] = UntypedToken(raw.encode()).payload  # type: ignore[arg-type]
    except ExpiredTokenError as error:
        raise TokenRefused("Token has expired") from error
    except (TokenError, ValueError, OverflowError, TypeError) as error:
        raise TokenRefused("Invalid token") from error
    if payload.get("type") != kind:
        raise TokenRefused("Invalid token type")
    return payload


def user_of(payload: dict[str, Any]) -> User:
    """The account that verified claims speak of. Raises TokenRefused: gone, inactive, new password."""
    sid = str(payload.get("sid"))
    try:
        rows = _of_token(UUID(str(payload.get("sub"))), *_login_of(sid))
    except ValueError:
        rows = []
    if not rows:
        raise TokenRefused("User not found")
    (*row, ended, seen) = rows[0]
    user = readers.account(row)
    user.__dict__ |= {"login_ended": ended, "login_seen": seen}
    if not user.is_active:
        raise TokenRefused("User account is deactivated")
    if not constant_time_compare(str(payload.get("rev")), _revision(user)):
        raise TokenRefused("Token has been revoked")
    if is_ended(user):
        raise TokenRefused("Token has been revoked")
    note(user, sid)
    return user


def with_login(users: QuerySet[User], sid: str) -> QuerySet[User]:
    """The accounts, with what is known of the login that `sid` names; see `is_ended` and `note`."""
    return _with_login(users, *_login_of(sid))


def _login_of(sid: str) -> tuple[UUID, str]:
    """Its id as that of a row, which there is not if it is none, and as that of a token."""
    try:
        uid = UUID(sid)
    except ValueError:
        uid = UUID(int=0)
    return uid, sid.replace("\0", "")[:255]


def _with_login(users: QuerySet[User], uid: UUID, jti: str) -> QuerySet[User]:
    used = Login.objects.filter(uid=uid, user=OuterRef("pk")).values("last_seen_at")
    ended = BlacklistedToken.objects.filter(token__jti=jti)
    return users.annotate(login_ended=Exists(ended), login_seen=Subquery(used[:1]))


# Of each request of the API.
_of_token = Prepared(
    lambda account, uid, jti: _with_login(User.objects.filter(uid=account).order_by(), uid, jti).values_list(
        *readers.COLUMNS, "login_ended", "login_seen"
    ),
    UUID,
    UUID,
    str,
)


def is_ended(user: User) -> bool:
    """Of an account out of `with_login`."""
    return bool(getattr(user, "login_ended", True))


def note(user: User, sid: str) -> None:
    """Notes that the login is in use, once in a while; of an account out of `with_login`."""
    now, last = timezone.now(), getattr(user, "login_seen", None)
    if last is None or last > now - NOTED:
        return
    with contextlib.suppress(OperationalError, ValueError):  # a busy database: the next request notes it
        rows = Login.objects.filter(Q(uid=UUID(sid)), last_seen_at__lte=now - NOTED)
        rows.update(last_seen_at=now)


def revoke(jti: str, user: User) -> bool:
    """Ends all tokens of a login (by its `sid`), or a refresh token (by its `jti`). False when that was done before."""
    with transaction.atomic():
        outstanding, _ = OutstandingToken.objects.get_or_create(
            jti=jti,
            # The latest moment at which a token of this login can still be valid.
            defaults={"user": user, "expires_at": timezone.now() + REFRESH_LIFETIME},
        )
        return BlacklistedToken.objects.get_or_create(token=outstanding)[1]


def flush() -> int:
    """Forgets revocations of tokens that have expired; returns how many."""
    return OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()[0]
