"""What the API's document says of API tokens."""

from __future__ import annotations

from scheduler_site.openapi.schema import (
    EITHER,
    Route,
    answer,
    body,
    constant,
    flag,
    listing,
    maybe,
    route,
    stamp,
    text,
    uid,
    whole,
    word,
)

TAG = "API tokens"
PEOPLE = {403: ("API tokens cannot manage API tokens, and a session needs its CSRF token.", EITHER)}
_TOKEN = answer(
    "ApiToken",
    "A password for a machine, which acts as its owner.",
    {
        "id": uid("The token's id."),
        "name": text("What people call it."),
        "prefix": text("Its beginning, to know it by.", examples=["belfry_1a2b3c4d"]),
        "owner": answer(
            "", "Whose it is.", {"id": uid("The account's id."), "username": text("The account's name.")}
        ),
        "read_only": flag("Whether it may only read."),
        "created_at": stamp("When it was made."),
        "expires_at": maybe(stamp("When it ends; null: never.")),
        "last_used_at": maybe(stamp("When it was used last, more or less.")),
        "revoked_at": maybe(stamp("When it was revoked.")),
    },
)
TOKENS: Route = {
    "get": route(
        "list_api_tokens",
        "My API tokens, the newest first",
        TAG,
        {
            200: (
                "The tokens; those of all accounts for administrators.",
                answer(
                    "ApiTokens",
                    "API tokens.",
                    {"count": whole("How many."), "tokens": listing("The tokens.", _TOKEN)},
                ),
            ),
            **PEOPLE,
        },
    ),
    "post": route(
        "create_api_token",
        "Make an API token",
        TAG,
        {
            201: (
                "The new token. Its value is told here and never again.",
                answer(
                    "ApiTokenCreated",
                    "The new token.",
                    {
                        "message": constant("API token created successfully"),
                        "token": _TOKEN,
                        "value": text("The token itself: goes into `Authorization: Bearer ...`."),
                    },
                ),
            ),
            **PEOPLE,
            409: "The account has too many tokens.",
        },
        takes=body(
            "NewApiToken",
            "A token to make.",
            {
                "name": text("What to call it.", minLength=1, maxLength=100),
                "read_only": maybe(flag("Whether it may only read.", default=False)),
                "expires_at": maybe(
                    text(
                        "When it ends: ISO 8601, in the future; in UTC without an offset. Never without one."
                    )
                ),
            },
            required=["name"],
        ),
        examples={"For a script": {"name": "deploy script", "read_only": True}},
    ),
}
TOKEN: Route = {
    "delete": route(
        "revoke_api_token",
        "Revoke an API token",
        TAG,
        {
            200: (
                "It is good for nothing any more; it stays in the list.",
                answer(
                    "ApiTokenRevoked",
                    "The token as it is now.",
                    {
                        "message": word(
                            "Whether anything changed.",
                            ["API token revoked successfully", "API token is revoked already"],
                        ),
                        "token": _TOKEN,
                    },
                ),
            ),
            **PEOPLE,
        },
    )
}
