"""The REST routes of signing in: `/auth/...` of the native API."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast
from uuid import uuid4

from django.conf import settings
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts import verbs
from accounts.rest import credentials as _credentials  # noqa: F401 (registers them)
from accounts.rest.permissions import account
from accounts.rest.wire import Role, UserJson, user_json
from accounts.signin import json_web_tokens, logins
from accounts.signin.authentication import RefreshAuthentication
from accounts.signin.throttle import TooManyAttempts
from audit.record import Actor
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Rules, Success, Uid
from scheduler_site.rest.views import (
    ApiError,
    ApiView,
    DetailError,
    SchemaError,
    StrictFormParser,
    too_many,
)

SURFACE = "api"
AccessToken = Annotated[str, "The access token: goes into `Authorization: Bearer ...`."]
Password = Annotated[str, "The password.", Rules(format="password", minLength=1)]
REFUSED = {
    401: "Wrong name or password, or an account that is switched off.",
    429: "Too many failed attempts.",
}


class Credentials(TypedDict):
    """A username or an e-mail address, and the password."""

    username: NotRequired[Annotated[str, "The username; an e-mail address is taken as well."]]
    email: NotRequired[Annotated[str, "The e-mail address, where `username` is not given."]]
    password: Password
    rotate: NotRequired[
        Annotated[bool, "Whether the refresh token is to be good for one use.", Rules(default=False)]
    ]


class PasswordForm(TypedDict):
    """The password form of OAuth 2 (RFC 6749, 4.3.2)."""

    grant_type: NotRequired[Annotated[str, "Not looked at."]]
    username: Annotated[str, "The username or the e-mail address.", Rules(minLength=1)]
    password: Password
    rotate: NotRequired[Annotated[str, "`true`: the refresh token is to be good for one use."]]


class SignedIn(TypedDict):
    """The pair of tokens of a new login."""

    success: Success
    message: Literal["Login successful"]
    user: UserJson
    access_token: AccessToken
    refresh_token: Annotated[str, "For `POST /auth/refresh` only; good for 30 days unless set otherwise."]
    token_type: Literal["bearer"]


class Refreshed(TypedDict):
    """A new access token."""

    access_token: AccessToken
    refresh_token: Annotated[str | None, "The next one; null where the old one stays good."]
    token_type: Literal["bearer"]
    expires_in: Annotated[int, "Seconds for which the access token is good.", Rules(examples=[3600])]


class OneUser(TypedDict):
    """The account."""

    user: UserJson


class Verified(TypedDict):
    """Whose token it is."""

    valid: Success
    user_id: Annotated[Uid, "The account's id."]
    username: Annotated[str, "Its name."]
    role: Role
    message: Literal["Token is valid"]


class SignedOut(TypedDict):
    """A confirmation."""

    success: Success
    message: Literal["Logout successful"]
    detail: Annotated[str, "What became of the tokens."]


class _SignIn(ApiView):
    tag = "Signing in"
    traced = False


class LoginView(_SignIn):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @route(
        "log_in",
        "A new pair of tokens.",
        REFUSED,
        request=Credentials,
        examples={"By name": {"username": "ada", "password": "your password"}},
    )
    def post(self, request: Request) -> Answer[SignedIn]:
        """Sign in."""
        body = self.payload()
        name = next((body[key] for key in ("username", "email") if body.get(key)), None)
        password = body.get("password")
        if not (isinstance(name, str) and name.strip() and isinstance(password, str) and password):
            raise ApiError(400, "Missing username or password", "Give username (or email) and password.")
        return signed_in(request, name.strip(), password, rotating=body.get("rotate") is True)


class FormLoginView(_SignIn):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (StrictFormParser,)

    @route(
        "log_in_by_form",
        "A new pair of tokens.",
        {**REFUSED, 422: "A field is missing or blank."},
        request=PasswordForm,
        request_media="application/x-www-form-urlencoded",
    )
    def post(self, request: Request) -> Answer[SignedIn]:
        """Sign in with a form."""
        if not request.content_type.startswith("application/x-www-form-urlencoded"):
            text = "Send username and password as a form."
            raise ApiError(400, "Content-Type must be application/x-www-form-urlencoded", text)
        data: Any = request.data
        form = {field: str(data.get(field, "")) for field in ("username", "password")}
        for field, text in form.items():
            if not text.strip():
                raise SchemaError(["body", field], "missing", "Field required", None)
        rotating = str(data.get("rotate", "")).lower() == "true"
        return signed_in(request, form["username"].strip(), form["password"], rotating=rotating)


class RefreshView(_SignIn):
    authentication_classes = (RefreshAuthentication,)

    @route("refresh_token", "A new access token; a refresh token only where it is good for one use.")
    def post(self, request: Request) -> Answer[Refreshed]:
        """Get a new access token.

        The refresh token goes into the header `Authorization: Bearer ...`. There is no body. One that is good for one use
        and comes a second time is 401, and ends the login: somebody has a copy of it.
        """
        # Older clients do not rotate tokens: they keep theirs and receive null (v2 wire facts, 3).
        user, payload = account(request), cast("dict[str, Any]", request.auth)
        try:
            refresh = json_web_tokens.rotated(payload, user)
        except json_web_tokens.TokenRefused as error:
            logins.ended(user, uid=_login(request))
            verbs.record_token_reuse(user, by=Actor.request(request, SURFACE))
            raise DetailError(401, str(error), {"WWW-Authenticate": "Bearer"}) from error
        return Answer(
            {
                "access_token": json_web_tokens.access_token(
                    user, _login(request), json_web_tokens.since(payload)
                ),
                "refresh_token": refresh,
                "token_type": "bearer",
                "expires_in": int(json_web_tokens.ACCESS_LIFETIME.total_seconds()),
            }
        )


class MeView(_SignIn):
    @route("me", "The account that asks.")
    def get(self, request: Request) -> Answer[OneUser]:
        """Who am I?"""
        return Answer({"user": user_json(account(request))})


class VerifyView(_SignIn):
    @route("verify_token", "The token is good; the account that it belongs to.")
    def get(self, request: Request) -> Answer[Verified]:
        """Is my token good?"""
        user = account(request)
        return Answer(
            {
                "valid": True,
                "user_id": str(user.uid),
                "username": user.username,
                "role": user.role,
                "message": "Token is valid",
            }
        )


class LogoutView(_SignIn):
    @route(
        "log_out",
        "The tokens of this login, access and refresh, are good for nothing any more.",
    )
    def post(self, request: Request) -> Answer[SignedOut]:
        """Sign out."""
        user, by, login = account(request), Actor.request(request, SURFACE), _login(request)
        # A request without a token came with a session of the pages: that is what ends.
        by_session = not request.auth
        key = request.session.session_key or "" if by_session else ""
        verbs.log_out(user, by=by, login=login, session_key=key)
        if by_session:
            request.session.flush()
        return Answer(
            {
                "success": True,
                "message": "Logout successful",
                "detail": "The tokens of this login have been revoked.",
            }
        )


def signed_in(request: Request, name: str, password: str, *, rotating: bool) -> Answer[SignedIn]:
    """A new login. 401, 429."""
    try:
        user = verbs.log_in(name, password, by=Actor.request(request, SURFACE), request=request)
    except verbs.LoginRefused as refusal:
        raise DetailError(401, str(refusal)) from refusal
    except TooManyAttempts as refusal:
        raise too_many(refusal.wait) from refusal
    uid, always = uuid4(), bool(settings.SIMPLE_JWT["ROTATE_REFRESH_TOKENS"])
    access, refresh = json_web_tokens.issue(user, login=uid, rotating=rotating or always)
    answer: Answer[SignedIn] = Answer(
        {
            "success": True,
            "message": "Login successful",
            "user": user_json(user),
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
        }
    )
    logins.welcome(answer, user, request, SURFACE, json_web_tokens.REFRESH_LIFETIME, uid=uid)
    return answer


def _login(request: Request) -> str:
    """The login that a token belongs to; empty for a session."""
    claims: Any = request.auth
    return str(claims.get("sid", "")) if claims else ""
