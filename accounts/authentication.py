"""How a REST request says who sends it: a bearer token, or the session of our own pages."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import tokens
from accounts.models import User


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>` (RFC 6750); `request.auth` holds the claims.

    Another scheme, or none, is left to the next class; a token that is not accepted is 401.
    """

    kind: tokens.Kind = "access"

    def authenticate(self, request: Request) -> tuple[User, dict[str, Any]] | None:
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not (raw := raw.strip()):
            return None
        try:
            claims = tokens.claims(raw, self.kind)
            return tokens.user_of(claims), claims
        except tokens.TokenRefused as error:
            raise AuthenticationFailed(str(error)) from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class RefreshAuthentication(BearerAuthentication):
    """The same with a refresh token, for the one route that takes it."""

    kind: tokens.Kind = "refresh"


class PageSessionAuthentication(SessionAuthentication):
    """The session of our own pages; what changes something must carry a CSRF token."""
