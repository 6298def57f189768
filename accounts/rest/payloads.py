"""Reads accounts out of JSON bodies: labels and texts of the v2 wire facts, 3 and 4."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import User
from accounts.rest.wire import Role
from scheduler_site.rest.schema_types import Rules
from scheduler_site.rest.views import ApiError

MIN_PASSWORD = 6
# Long enough for any passphrase; more would only keep the hash function busy.
MAX_PASSWORD = 1024

Email = Annotated[str, "A mail address that no other account has.", Rules(format="email", maxLength=254)]
Password = Annotated[
    str,
    "A new password.",
    Rules(format="password", minLength=MIN_PASSWORD, maxLength=MAX_PASSWORD),
]
USERNAME = r"[A-Za-z0-9_-]{3,80}"


class Registration(TypedDict):
    """A new account."""

    username: Annotated[str, "Kept in lower case.", Rules(pattern=f"^{USERNAME}$", examples=["john_doe"])]
    email: Email
    password: Password
    role: NotRequired[Annotated[Role, Rules(default="viewer")]]
    is_active: NotRequired[Annotated[bool, "Whether it may sign in.", Rules(default=True)]]


class UserChanges(TypedDict, total=False):
    """What is to be changed; role and state by administrators only. A new password ends all sessions and logins."""

    email: Email
    password: Password
    current_password: Annotated[
        str,
        "The old one, where one's own password is changed; not needed for ten minutes after a login.",
        Rules(format="password"),
    ]
    role: Role
    is_active: Annotated[bool, "Whether it may sign in."]


class _InvalidError(ValueError):
    """Why a value is refused."""


def registration(body: Mapping[str, Any]) -> Registration:
    """The arguments of `verbs.register`. 400 `{"error", "message", "fields"}` naming all that is wrong."""
    read: dict[str, Callable[[Any], Any]] = {
        "username": _username,
        "email": _email,
        "password": _password,
        "role": lambda value: _role(User.Role.VIEWER if value is None else value),
        "is_active": lambda value: _boolean(True if value is None else value),
    }
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field, reader in read.items():
        try:
            values[field] = reader(body.get(field))
        except _InvalidError as error:
            faults[field] = str(error)
    if faults:
        message = " ".join(faults.values())
        raise ApiError(400, "Validation failed", message, fields=faults)
    return {
        "username": values["username"],
        "email": values["email"],
        "password": values["password"],
        "role": values["role"],
        "is_active": values["is_active"],
    }


def user_changes(body: Mapping[str, Any], user: User, *, by_admin: bool) -> UserChanges:
    """The values of `verbs.update`, tested one after the other; an empty email or password is none. 400, 403 or 409."""
    values: UserChanges = {}
    if body.get("email") not in (None, ""):
        values["email"] = _or_400("Invalid email", _email, body["email"])
        if User.objects.exclude(pk=user.pk).filter(email=values["email"]).exists():
            raise ApiError(409, "Email already exists", "Another account has this address.")
    if body.get("password") not in (None, ""):
        values["password"] = _or_400("", _password, body["password"])
    if "role" in body:
        if not by_admin:
            raise ApiError(403, "Only admins can change user roles", "Leave role out.")
        values["role"] = _or_400("Invalid role", _role, body["role"])
    if "is_active" in body:
        if not by_admin:
            raise ApiError(403, "Only admins can change user active status", "Leave is_active out.")
        values["is_active"] = _or_400("Invalid is_active", _boolean, body["is_active"])
    if not values:
        text = "Give at least one of email, password, role and is_active."
        raise ApiError(400, "No valid fields to update", text)
    return values


def _or_400(label: str, reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except _InvalidError as error:
        raise ApiError(400, label or str(error), str(error)) from error


def _username(value: Any) -> str:
    if value in (None, ""):
        raise _InvalidError("Username is required.")
    if not isinstance(value, str) or not re.fullmatch(USERNAME, value.strip()):
        raise _InvalidError("Username must be 3 to 80 letters, digits, underscores or hyphens.")
    return value.strip().lower()


def _email(value: Any) -> str:
    if value in (None, ""):
        raise _InvalidError("Email is required.")
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        validate_email(text)
    except ValidationError as error:
        raise _InvalidError("Email is no valid address.") from error
    return text


def _password(value: Any) -> str:
    if value in (None, ""):
        raise _InvalidError("Password is required.")
    if not isinstance(value, str) or len(value) < MIN_PASSWORD or not value.strip():
        raise _InvalidError(f"Password must be at least {MIN_PASSWORD} characters long")
    if len(value) > MAX_PASSWORD:
        raise _InvalidError(f"Password must be at most {MAX_PASSWORD} characters long")
    return value


def _role(value: Any) -> str:
    if not isinstance(value, str) or value not in User.Role.values:
        raise _InvalidError(f"Role must be one of: {', '.join(User.Role.values)}.")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _InvalidError("is_active must be true or false.")
    return value
