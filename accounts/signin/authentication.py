"""How a REST request says who sends it: a bearer token of a login or of a machine, or the session of our own pages."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import User
from accounts.signin import api_tokens, json_web_tokens
from accounts.signin.throttle import TooManyAttempts
from audit.record import address_of
from scheduler_site.rest.errors import too_many


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token or API token>` (RFC 6750); `request.auth` holds the claims.

    Another scheme, or none, is left to the next class; a token that is not accepted is 401, a read-only one that is to
    change something 403, and too many bad API tokens from an address 429.
    """

    kind: json_web_tokens.Kind = "access"

    def authenticate(self, request: Request) -> tuple[User, dict[str, Any]] | None:
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not (raw := raw.strip()):
            return None
        if self.kind == "access" and api_tokens.is_one(raw):
            return _machine(request, raw)
        try:
            claims = json_web_tokens.claims(raw, self.kind)
            return json_web_tokens.user_of(claims), claims
        except json_web_tokens.TokenRefused as error:
            raise AuthenticationFailed(str(error)) from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _machine(request: Request, raw: str) -> tuple[User, dict[str, Any]]:
    try:
        token = api_tokens.accepted(raw, address_of(request), timezone.now())
    except json_web_tokens.TokenRefused as error:
        raise AuthenticationFailed(str(error)) from error
    except TooManyAttempts as error:
        raise too_many(error.wait) from error
    if token.read_only and request.method not in SAFE_METHODS:
        raise PermissionDenied("This API token may only read.")
    return token.owner, {"type": api_tokens.API_TOKEN, "token": str(token.uid), "read_only": token.read_only}


class RefreshAuthentication(BearerAuthentication):
    """The same with a refresh token, for the one route that takes it."""

    kind: json_web_tokens.Kind = "refresh"


class PageSessionAuthentication(SessionAuthentication):
    """The session of our own pages; what changes something must carry a CSRF token."""
