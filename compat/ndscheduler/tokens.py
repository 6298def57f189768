"""The one token of this dialect: a JWT (HS256) of one day, in the Authorization header or in the cookie `token`.

Clients decode it without looking at the signature, to learn who they are. What the account may do is read from the database.
The signing key is made of the server's and of the account's password hash: a new password ends the tokens of the old one. A
token that was ended by itself is in the same list as those of the native API, under its digest.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User
from accounts.signin.json_web_tokens import is_ended, note, with_login
from compat.ndscheduler.wire import identity

COOKIE = "token"
LIFETIME = dt.timedelta(days=1)
ALGORITHM = "HS256"
LONGEST = 4096


def issue(user: User, category_id: int) -> str:
    """Payload: user_id, username, category_id, is_admin, is_permission, exp."""
    claims: dict[str, Any] = {**identity(user, category_id)}
    claims["user_id"] = claims.pop("id")
    claims["exp"] = timezone.now() + LIFETIME
    return jwt.encode(claims, _key(user), algorithm=ALGORITHM)


def account(request: HttpRequest) -> tuple[User | None, bool]:
    """The user who sends the request, or none for an invalid token; and whether the cookie named the user."""
    scheme, _, raw = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and raw.strip():
        return _owner(raw.strip()), False
    return _owner(_out_of_cookie(request.COOKIES.get(COOKIE, ""))), True


def set_cookie(response: HttpResponse, token: str) -> None:
    """In base64, as the browser's pages read it with JavaScript."""
    value = base64.b64encode(token.encode()).decode()
    response.set_cookie(
        COOKIE,
        value,
        max_age=LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )
    # Python would put a value that ends with `=` into quotes, which such pages take for a part of it.
    response.cookies[COOKIE].set(COOKIE, value, value)


def _owner(token: str) -> User | None:
    try:
        if not token or len(token) > LONGEST:
            return None
        told: Any = jwt.decode(token, options={"verify_signature": False}).get("user_id")
        login = login_of(token).hex
        users = with_login(User.objects.filter(is_active=True), login)
        user = users.filter(pk=told).first() if _is_key(told) else None
        if user is None or is_ended(user):
            return None
        required = {"require": ["exp", "user_id", "username"]}
        claims = jwt.decode(token, _key(user), algorithms=[ALGORITHM], options=required)  # type: ignore[arg-type]
    except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
        return None
    if claims["username"] != user.username:
        return None
    note(user, login)
    return user


def login_of(token: str) -> UUID:
    """What its login is known by; the claims have no room for an id."""
    # With the marks of a version (RFC 4122): MariaDB takes no other sixteen bytes for one.
    return UUID(hashlib.sha256(token.encode()).hexdigest()[:32], version=5)


def since(request: HttpRequest) -> int:
    """When the password was given for the token of a request that has been let in, in Unix time."""
    scheme, _, raw = request.headers.get("Authorization", "").strip().partition(" ")
    token = raw.strip() if scheme.lower() == "bearer" else _out_of_cookie(request.COOKIES.get(COOKIE, ""))
    told: int = jwt.decode(token, options={"verify_signature": False})["exp"]
    return told - int(LIFETIME.total_seconds())


def _is_key(told: Any) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and 0 < told < 2**63


def _out_of_cookie(value: str) -> str:
    try:
        return base64.b64decode(value.strip('"'), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _key(user: User) -> bytes:
    password = user.get_session_auth_hash()
    return hmac.digest(settings.JWT_SECRET_KEY.encode(), f"v1:{password}".encode(), hashlib.sha256)
