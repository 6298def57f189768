"""JSON Web Tokens: a short-lived access token and the refresh token that renews it.

Claims: `sub` (the account's uid), `role`, `email`, `iat`, `exp`, `type` (access or refresh), `fresh` (on
access tokens), `sid` (the login, shared by its tokens) and `rev` (changes with the password). They identify;
what the account may do is always read from the database.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, Token, UntypedToken

from accounts.models import User

Kind = Literal["access", "refresh"]
ACCESS_LIFETIME: timedelta = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]  # type: ignore[assignment]
REFRESH_LIFETIME: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]  # type: ignore[assignment]


class TokenRefused(Exception):
    """The token is not accepted; the text says why and may be shown."""


class RefreshToken(Token):
    """simplejwt's own writes a row for every login; ours is written down only when it is revoked."""

    token_type = "refresh"  # noqa: S105
    lifetime = REFRESH_LIFETIME


def issue(user: User) -> tuple[str, str]:
    """The access and the refresh token of a new login."""
    login = uuid4().hex
    return access_token(user, login), _signed(RefreshToken(), user, login)


def access_token(user: User, login: str) -> str:
    return _signed(AccessToken(), user, login, fresh=True)


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
    try:
        user = User.objects.get(uid=UUID(str(payload.get("sub"))))
    except (ValueError, User.DoesNotExist) as error:
        raise TokenRefused("User not found") from error
    if not user.is_active:
        raise TokenRefused("User account is deactivated")
    if not constant_time_compare(str(payload.get("rev")), _revision(user)):
        raise TokenRefused("Token has been revoked")
    if payload["type"] == "refresh" and _is_revoked(str(payload.get("sid"))):
        raise TokenRefused("Token has been revoked")
    return user


def _is_revoked(login: str) -> bool:
    return BlacklistedToken.objects.filter(token__jti=login).exists()


def revoke(login: str, user: User) -> None:
    """Ends the refresh token of a login; its access token ends by itself."""
    with transaction.atomic():
        outstanding, _ = OutstandingToken.objects.get_or_create(
            jti=login,
            # The latest moment at which a refresh token of this login can still be valid.
            defaults={"user": user, "expires_at": timezone.now() + REFRESH_LIFETIME},
        )
        BlacklistedToken.objects.get_or_create(token=outstanding)


def flush() -> int:
    """Forgets revocations of tokens that have expired; returns how many."""
    return OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()[0]
