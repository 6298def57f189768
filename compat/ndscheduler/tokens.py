"""The one token of this dialect: a JWT (HS256) of one day, in the Authorization header or in the cookie `token`.

Clients decode it without looking at the signature, to learn who they are. What the account may do is read from the database.
The signing key is made of the server's and of the account's password hash: a new password ends the tokens of the old one.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from typing import Any

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User
from compat.ndscheduler.wire import identity

COOKIE = "token"
LIFETIME = dt.timedelta(days=1)
ALGORITHM = "HS256"
LONGEST = 4096


def issue(user: User, category_id: int) -> str:
    """Payload: user_id, username, category_id, is_admin, is_permission, exp."""
    claims: dict[str, Any] = identity(user, category_id)
    claims["user_id"] = claims.pop("id")
    claims["exp"] = timezone.now() + LIFETIME
    return jwt.encode(claims, _key(user), algorithm=ALGORITHM)


def account(request: HttpRequest) -> tuple[User | None, bool]:
    """Who sends the request, nobody for a token that is not accepted; and whether the cookie says so."""
    scheme, _, raw = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and raw.strip():
        return _owner(raw.strip()), False
    return _owner(_out_of_cookie(request.COOKIES.get(COOKIE, ""))), True


def set_cookie(response: HttpResponse, token: str) -> None:
    """In base64, as the browser's pages read it with JavaScript."""
    value = base64.b64encode(token.encode()).decode()
    response.set_cookie(
        COOKIE, value, max_age=LIFETIME, samesite="Lax", secure=bool(settings.SESSION_COOKIE_SECURE)
    )
    # Python would put a value that ends with `=` into quotes, which such pages take for a part of it.
    response.cookies[COOKIE].set(COOKIE, value, value)


def _owner(token: str) -> User | None:
    try:
        if not token or len(token) > LONGEST:
            return None
        told: Any = jwt.decode(token, options={"verify_signature": False}).get("user_id")
        user = User.objects.filter(pk=told, is_active=True).first() if _is_key(told) else None
        if user is None:
            return None
        required = {"require": ["exp", "user_id", "username"]}
        claims = jwt.decode(token, _key(user), algorithms=[ALGORITHM], options=required)  # type: ignore[arg-type]
    except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError):
        return None
    return user if claims["username"] == user.username else None


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
