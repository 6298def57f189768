"""The REST routes of API tokens: one's own, for administrators everybody's; not with an API token."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from django.utils import timezone
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.rest.permissions import account, require_person
from accounts.signin import api_tokens
from audit.record import Actor
from scheduler_site.lib.text import INVISIBLE, unseen
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.schema_types import Rules, Stamp, Uid
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
MAX_NAME = 100
# Leaves room for arithmetic before the last year of Python's calendar.
LAST_YEAR = 9000


PEOPLE = {403: "API tokens cannot manage API tokens, and a session needs its CSRF token."}


class Owner(TypedDict):
    """Whose it is."""

    id: Annotated[Uid, "The account's id."]
    username: Annotated[str, "The account's name."]


class ApiTokenJson(TypedDict):
    """A password for a machine, which acts as its owner."""

    id: Annotated[Uid, "The token's id."]
    name: Annotated[str, "What people call it."]
    prefix: Annotated[str, "Its beginning, to know it by.", Rules(examples=["belfry_1a2b3c4d"])]
    owner: Owner
    read_only: Annotated[bool, "Whether it may only read."]
    created_at: Annotated[Stamp, "When it was made."]
    expires_at: Annotated[Stamp | None, "When it ends; null: never."]
    last_used_at: Annotated[Stamp | None, "When it was used last, more or less."]
    revoked_at: Annotated[Stamp | None, "When it was revoked."]


class ApiTokens(TypedDict):
    """API tokens."""

    count: Annotated[int, "How many."]
    tokens: Annotated[list[ApiTokenJson], "The tokens."]


class NewApiToken(TypedDict):
    """A token to make."""

    name: Annotated[str, "What to call it.", Rules(minLength=1, maxLength=MAX_NAME)]
    read_only: NotRequired[Annotated[bool | None, "Whether it may only read.", Rules(default=False)]]
    expires_at: NotRequired[
        Annotated[
            str | None,
            "When it ends: ISO 8601, in the future; in UTC without an offset. Never without one.",
        ]
    ]


class ApiTokenCreated(TypedDict):
    """The new token."""

    message: Literal["API token created successfully"]
    token: ApiTokenJson
    value: Annotated[str, "The token itself: goes into `Authorization: Bearer ...`."]


class ApiTokenRevoked(TypedDict):
    """The token as it is now."""

    message: Annotated[
        Literal["API token revoked successfully", "API token is revoked already"], "Whether anything changed."
    ]
    token: ApiTokenJson


def token_json(token: ApiToken) -> ApiTokenJson:
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
    return found if user.has_perm("accounts.view_apitoken") else found.filter(owner=user)


class _Tokens(ApiView):
    tag = "API tokens"


class TokensView(_Tokens):
    @route("list_api_tokens", "The tokens; those of all accounts for administrators.", PEOPLE)
    def get(self, request: Request) -> Answer[ApiTokens]:
        """My API tokens, the newest first."""
        require_person(request)
        found = [token_json(token) for token in seen_by(account(request))]
        return Answer({"count": len(found), "tokens": found})

    @route(
        "create_api_token",
        "The new token. Its value is in this answer only.",
        {**PEOPLE, 409: "The account has too many tokens."},
        request=NewApiToken,
        examples={"For a script": {"name": "deploy script", "read_only": True}},
    )
    def post(self, request: Request) -> Created[ApiTokenCreated]:
        """Make an API token."""
        require_person(request)
        body = self.payload()
        name, read_only, expires_at = _name(body), _read_only(body), _expiry(body)
        by = Actor.request(request, SURFACE)
        try:
            token, value = api_tokens.create(
                account(request), name, read_only=read_only, expires_at=expires_at, by=by
            )
        except api_tokens.TooManyTokens as refusal:
            raise ApiError(409, "Too many API tokens", str(refusal)) from refusal
        return Created(
            {"message": "API token created successfully", "token": token_json(token), "value": value},
            headers={"Cache-Control": "no-store"},
        )


class TokenView(_Tokens):
    @route("revoke_api_token", "It is good for nothing any more; it stays in the list.", PEOPLE)
    def delete(self, request: Request, token_id: str) -> Answer[ApiTokenRevoked]:
        """Revoke an API token."""
        require_person(request)
        uid = as_uuid(token_id)
        token = seen_by(account(request)).filter(uid=uid).first() if uid else None
        if token is None:
            raise ApiError(404, "API token not found", "There is no API token with this id.")
        revoked = api_tokens.revoke(token, by=Actor.request(request, SURFACE))
        token.refresh_from_db()
        return Answer(
            {
                "message": "API token revoked successfully" if revoked else "API token is revoked already",
                "token": token_json(token),
            }
        )


def _name(body: dict[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        raise ApiError(400, "Invalid name", f"Write a text of 1 to {MAX_NAME} characters.")
    if sign := unseen(name.strip()):
        raise ApiError(400, "Invalid name", INVISIBLE % {"sign": sign})
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
