"""Accounts as JSON."""

from __future__ import annotations

from typing import Annotated, TypedDict

from accounts.models import User
from scheduler_site.rest.schema_types import Rules, Stamp, Uid, one_of
from scheduler_site.rest.views import timestamp

Role = Annotated[str, "What the account may do.", one_of(User.Role.values)]


class UserJson(TypedDict):
    """An account."""

    id: Annotated[Uid, "The account's id."]
    username: Annotated[str, "The name to sign in with.", Rules(examples=["ada"])]
    email: Annotated[str | None, "The address to sign in with, and for mail."]
    role: Role
    is_active: Annotated[bool, "Whether it may sign in."]
    created_at: Annotated[Stamp, "When it was made."]
    updated_at: Annotated[Stamp, "When it was last changed."]


def user_json(user: User) -> UserJson:
    """The user object of every answer; never anything about the password."""
    return {
        "id": str(user.uid),
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": timestamp(user.created_at),
        "updated_at": timestamp(user.updated_at),
    }
