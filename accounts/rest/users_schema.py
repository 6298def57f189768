"""What the API's document says of accounts."""

from __future__ import annotations

from typing import Any

from accounts.rest.schema import ROLE, SUCCESS, USER
from scheduler_site.openapi.schema import (
    DETAIL,
    EITHER,
    Route,
    answer,
    body,
    constant,
    flag,
    listing,
    route,
    text,
    uid,
    whole,
)

TAG = "Users"
EMAIL = text("A mail address that no other account has.", format="email", maxLength=254)
PASSWORD = text("A new password.", format="password", minLength=6, maxLength=1024)
REGISTRATION = body(
    "Registration",
    "A new account.",
    {
        "username": text("Kept in lower case.", pattern=r"^[A-Za-z0-9_-]{3,80}$", examples=["john_doe"]),
        "email": EMAIL,
        "password": PASSWORD,
        "role": ROLE | {"default": "viewer"},
        "is_active": flag("Whether it may sign in.", default=True),
    },
    required=["username", "email", "password"],
)
CHANGES = body(
    "UserChanges",
    "What is to be changed; role and state by administrators only. A new password ends all sessions and logins.",
    {
        "email": EMAIL,
        "password": PASSWORD,
        "role": ROLE,
        "is_active": flag("Whether it may sign in."),
    },
)


def _one_user(message: str, **more: Any) -> Any:
    return answer("", "The account as it is now.", {"message": constant(message), **more, "user": USER})


REGISTER: Route = {
    "post": route(
        "register_user",
        "Make an account",
        TAG,
        {
            201: (
                "The new account.",
                answer(
                    "Registered",
                    "The new account.",
                    {
                        "success": SUCCESS,
                        "message": constant("User registered successfully"),
                        "user": USER,
                    },
                ),
            ),
            409: ("Another account has this name or address.", DETAIL),
        },
        about="For administrators.",
        takes=REGISTRATION,
        examples={
            "A user": {
                "username": "john_doe",
                "email": "john@example.com",
                "password": "secure123",
                "role": "user",
            }
        },
    )
}
USERS: Route = {
    "get": route(
        "list_users",
        "All accounts, by name",
        TAG,
        {
            200: (
                "All of them; there are no pages.",
                answer(
                    "Users",
                    "Accounts.",
                    {"count": whole("How many."), "users": listing("The accounts.", USER)},
                ),
            )
        },
        about="For administrators.",
    )
}
OF_ONESELF = "One's own account, or for administrators any."
USER_: Route = {
    "get": route(
        "get_user",
        "One account",
        TAG,
        {
            200: ("The account.", answer("", "The account.", {"user": USER})),
            403: ("Not one's own.", EITHER),
        },
        about=OF_ONESELF,
    ),
    "put": route(
        "update_user",
        "Change an account",
        TAG,
        {
            200: (
                "The account as it is now.",
                _one_user(
                    "User updated successfully",
                    updated_fields=listing("What was given.", text("A field.")),
                ),
            ),
            409: "Another account has this address, or it is the last active administrator.",
        },
        about=OF_ONESELF,
        takes=CHANGES,
    ),
    "delete": route(
        "delete_user",
        "Remove an account",
        TAG,
        {
            200: (
                "It is gone; its jobs stay.",
                answer(
                    "UserDeleted",
                    "What was removed.",
                    {
                        "message": constant("User deleted successfully"),
                        "deleted_user": answer(
                            "", "The account.", {"id": uid("Its id."), "username": text("Its name.")}
                        ),
                    },
                ),
            ),
            409: "It is the last active administrator.",
        },
        about="For administrators, and not for one's own account.",
    ),
}
