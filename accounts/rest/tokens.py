"""The REST routes of API tokens: one's own, for administrators everybody's; not with an API token."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api_tokens
from accounts.models import ApiToken, User
from accounts.permissions import account, require_person
from accounts.rest import tokens_schema as schema
from audit.record import By
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
MAX_NAME = 100
# Leaves room for arithmetic before the last year of Python's calendar.
LAST_YEAR = 9000


def token_json(token: ApiToken) -> dict[str, Any]:
    """A token as it may be shown: `prefix` is its beginning, the rest is known to nobody but its user."""
    return {
        "id": str(token.uid),
        "name": token.name,
        "prefix": token.prefix,
        "owner": {"id": str(token.owner.uid), "username": token.owner.username},
        "read_only": token.read_only,
        "created_at": timestamp(token.created_at),
        "expires_at": timestamp(token.expires_at),
        "last_used_at": timestamp(token.last_used_at),
        "revoked_at": timestamp(token.revoked_at),
    }


def seen_by(user: User) -> Any:
    """The newest first."""
    found = ApiToken.objects.select_related("owner")
    return found if user.is_admin else found.filter(owner=user)


@extend_schema_view(**schema.TOKENS)
class TokensView(ApiView):
    """GET the tokens; POST `{name, read_only?, expires_at?}` for a new one, whose `value` is in this answer only.

    400, 403, 409.
    """

    def get(self, request: Request) -> Response:
        require_person(request)
        found = [token_json(token) for token in seen_by(account(request))]
        return Response({"count": len(found), "tokens": found})

    def post(self, request: Request) -> Response:
        require_person(request)
        body = self.payload()
        name, read_only, expires_at = _name(body), _read_only(body), _expiry(body)
        by = By.request(request, SURFACE)
        try:
            token, value = api_tokens.create(
                account(request), name, read_only=read_only, expires_at=expires_at, by=by
            )
        except api_tokens.TooManyTokens as refusal:
            raise ApiError(409, "Too many API tokens", str(refusal)) from refusal
        answer = {"message": "API token created successfully", "token": token_json(token), "value": value}
        return Response(answer, status=201, headers={"Cache-Control": "no-store"})


@extend_schema_view(**schema.TOKEN)
class TokenView(ApiView):
    """DELETE: revokes a token; it stays in the list. 403, 404."""

    def delete(self, request: Request, token_id: str) -> Response:
        require_person(request)
        uid = as_uuid(token_id)
        token = seen_by(account(request)).filter(uid=uid).first() if uid else None
        if token is None:
            raise ApiError(404, "API token not found", "There is no API token with this id.")
        revoked = api_tokens.revoke(token, by=By.request(request, SURFACE))
        token.refresh_from_db()
        message = "API token revoked successfully" if revoked else "API token is revoked already"
        return Response({"message": message, "token": token_json(token)})


def _name(body: dict[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        raise ApiError(400, "Invalid name", f"Write a text of 1 to {MAX_NAME} characters.")
    return name.strip()


def _read_only(body: dict[str, Any]) -> bool:
    value = body.get("read_only")
    if value is not None and not isinstance(value, bool):
        raise ApiError(400, "Invalid read_only", "Write true or false.")
    return bool(value)


def _expiry(body: dict[str, Any]) -> dt.datetime | None:
    """ISO 8601; without an offset in UTC."""
    value = body.get("expires_at")
    if value is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise ApiError(400, "Invalid expires_at", "Write a time such as 2026-12-31T23:59:59Z.") from error
    if moment <= timezone.now() or moment.year > LAST_YEAR:
        raise ApiError(400, "Invalid expires_at", "This time has passed already, or is too far away.")
    return moment
