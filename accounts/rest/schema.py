"""What the API's document says of accounts: signing in, users."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.models import User
from scheduler_site.openapi.schema import (
    FAULTS,
    Route,
    answer,
    body,
    constant,
    flag,
    maybe,
    route,
    stamp,
    text,
    uid,
    whole,
    word,
)

TAG = "Signing in"
SUCCESS = flag("Always true.", const=True)
ACCESS_TOKEN = text("The access token: goes into `Authorization: Bearer ...`.")
TOKEN_TYPE = constant("bearer")
USER = answer(
    "User",
    "An account.",
    {
        "id": uid("The account's id."),
        "username": text("The name to sign in with.", examples=["ada"]),
        "email": maybe(text("The address to sign in with, and for mail.")),
        "role": word("What the account may do.", User.Role.values),
        "is_active": flag("Whether it may sign in."),
        "created_at": stamp("When it was made."),
        "updated_at": stamp("When it was last changed."),
    },
)
SIGNED_IN = answer(
    "SignedIn",
    "The pair of tokens of a new login.",
    {
        "success": SUCCESS,
        "message": constant("Login successful"),
        "user": USER,
        "access_token": ACCESS_TOKEN,
        "refresh_token": text("For `POST /auth/refresh` only; good for 30 days unless set otherwise."),
        "token_type": TOKEN_TYPE,
    },
)
CREDENTIALS = body(
    "Credentials",
    "A username or an e-mail address, and the password.",
    {
        "username": text("The username; an e-mail address is taken as well."),
        "email": text("The e-mail address, where `username` is not given."),
        "password": text("The password.", format="password", minLength=1),
    },
    required=["password"],
)
FORM = body(
    "PasswordForm",
    "The password form of OAuth 2 (RFC 6749, 4.3.2).",
    {
        "grant_type": text("Not looked at."),
        "username": text("The username or the e-mail address.", minLength=1),
        "password": text("The password.", format="password", minLength=1),
    },
    required=["username", "password"],
)
ROLE = word("What the account may do.", User.Role.values)
REFUSED = {
    401: "Wrong name or password, or an account that is switched off.",
    429: "Too many failed attempts.",
}
LOGIN: Route = {
    "post": route(
        "log_in",
        "Sign in",
        TAG,
        {200: ("A new pair of tokens.", SIGNED_IN), **REFUSED},
        takes=CREDENTIALS,
        examples={"By name": {"username": "ada", "password": "your password"}},
    )
}
FORM_LOGIN: Route = {
    "post": route(
        "log_in_by_form",
        "Sign in with a form",
        TAG,
        {
            200: ("A new pair of tokens.", SIGNED_IN),
            **REFUSED,
            422: ("A field is missing or blank.", FAULTS),
        },
        takes=FORM,
        media="application/x-www-form-urlencoded",
    )
}
REFRESH: Route = {
    "post": route(
        "refresh_token",
        "Get a new access token",
        TAG,
        {
            200: (
                "A new access token; the refresh token stays as it is.",
                answer(
                    "Refreshed",
                    "A new access token.",
                    {
                        "access_token": ACCESS_TOKEN,
                        "refresh_token": {"type": "null", "description": "There is no new one."},
                        "token_type": TOKEN_TYPE,
                        "expires_in": whole("Seconds for which the access token is good.", examples=[3600]),
                    },
                ),
            )
        },
        about="The refresh token goes into the header `Authorization: Bearer ...`. There is no body.",
    )
}
ME: Route = {
    "get": route(
        "me",
        "Who am I?",
        TAG,
        {200: ("The account that asks.", answer("", "The account.", {"user": USER}))},
    )
}
VERIFY: Route = {
    "get": route(
        "verify_token",
        "Is my token good?",
        TAG,
        {
            200: (
                "It is, for this account.",
                answer(
                    "Verified",
                    "Whose token it is.",
                    {
                        "valid": SUCCESS,
                        "user_id": uid("The account's id."),
                        "username": text("Its name."),
                        "role": ROLE,
                        "message": constant("Token is valid"),
                    },
                ),
            )
        },
    )
}
LOGOUT: Route = {
    "post": route(
        "log_out",
        "Sign out",
        TAG,
        {
            200: (
                "The refresh token of this login is good for nothing any more; the access token ends by itself.",
                answer(
                    "SignedOut",
                    "A confirmation.",
                    {
                        "success": SUCCESS,
                        "message": constant("Logout successful"),
                        "detail": text("What became of the tokens."),
                    },
                ),
            )
        },
    )
}


class _Bearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of `POST /auth/login`, or an API token (`belfry_...`).",
        }


class _Refresh(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.RefreshAuthentication"
    name = "refresh"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A refresh token of `POST /auth/login`.",
        }


class _Session(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.PageSessionAuthentication"
    name = "session"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of the pages. Whatever changes something needs the header X-CSRFToken as well.",
        }
