"""`/users`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import verbs
from accounts.models import Category, User
from accounts.rest.own_password import ASKED, is_fresh
from accounts.signin.throttle import TooManyAttempts
from compat.ndscheduler import tokens, wire
from compat.ndscheduler.identifiers import ALL, Numbers, number
from compat.ndscheduler.views.base import DENIED, Refusal, V1View, refuse

LONGEST_NAME = 50
LONGEST_PASSWORD = 1024
FIELDS = ("username", "password", "category_id", "is_admin", "is_permission")
TAKEN = "Username already exists"


class UsersBase(V1View):
    def shown(self, user: User) -> wire.ShownUser:
        return wire.user_json(user, self.numbers.of(user.category_id))


class UsersView(UsersBase):
    """GET all accounts by name; POST a new one (400). Administrators only."""

    needs = {"GET": "accounts.view_user", "POST": "accounts.add_user"}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        return {"users": [self.shown(user) for user in User.objects.order_by("username")]}

    def post(self, request: HttpRequest) -> tuple[int, wire.ShownUser]:
        body = self.body()
        for field in ("username", "password", "category_id"):
            if body.get(field) in (None, ""):
                refuse(400, f"Require this parameter: {field}")
        values = _values(body, self.numbers) | _rights(body, None)
        try:
            user = verbs.register(values.pop("username"), values.pop("password"), by=self.by, **values)
        except (verbs.Taken, ValidationError) as error:
            raise _refusal(error) from error
        return 201, self.shown(user)


class CurrentUserView(UsersBase):
    def get(self, request: HttpRequest) -> wire.ShownUser:
        return self.shown(self.user)


class UserView(UsersBase):
    """GET one account (itself, or any for administrators); PUT any of its fields, DELETE it. 400 for an unknown id."""

    needs = {"PUT": "accounts.change_user", "DELETE": "accounts.delete_user"}

    def get(self, request: HttpRequest, user_id: str) -> wire.ShownUser:
        user = _user(user_id)
        if user != self.user and not self.user.has_perm("accounts.view_user"):
            refuse(403, DENIED)
        return self.shown(user)

    def put(self, request: HttpRequest, user_id: str) -> dict[str, Any]:
        user, body = _user(user_id), self.body()
        values = _values(body, self.numbers) | _rights(body, user)
        if "password" in values and user == self.user:
            self._require_old_password(body.get("current_password"))
        if not any(body.get(field) is not None for field in FIELDS):
            refuse(400, f"Require at least one of following parameters: {', '.join(FIELDS)}")
        try:
            verbs.update(user, values, by=self.by)
        except (verbs.Taken, verbs.LastAdmin, ValidationError, User.DoesNotExist) as error:
            raise _refusal(error) from error
        return {"id": user.pk}

    def _require_old_password(self, given: Any) -> None:
        """The dialect has no field for it: a login of the last minutes stands for it, as in the native API. 400, 429."""
        if given is None and is_fresh(tokens.since(self.request)):
            return
        try:
            if not (isinstance(given, str) and given and verbs.confirm(self.user, given, by=self.by)):
                refuse(400, f"{ASKED}: send current_password, or log in again first")
        except TooManyAttempts as refusal:
            raise Refusal(429, str(refusal), {"Retry-After": str(refusal.wait)}) from refusal

    def delete(self, request: HttpRequest, user_id: str) -> dict[str, Any]:
        user = _user(user_id)
        if user == self.user:
            refuse(400, "Cannot delete your own account")
        key = user.pk
        try:
            verbs.delete(user, by=self.by)
        except (verbs.LastAdmin, User.DoesNotExist) as error:
            raise _refusal(error) from error
        return {"id": key}


def _user(user_id: str) -> User:
    key = number(user_id)
    user = User.objects.filter(pk=key).first() if key else None
    if user is None:
        refuse(400, f"User not found: {user_id}")
    return user


def _values(body: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """Name, password and category, where they are given. 400."""
    values: dict[str, Any] = {}
    for field, longest in (("username", LONGEST_NAME), ("password", LONGEST_PASSWORD)):
        if (text := body.get(field)) is None:
            continue
        if not isinstance(text, str) or not text.strip():
            refuse(400, f"Invalid {field}: it must be a text")
        if len(text) > longest:
            refuse(400, f"Invalid {field}: it has more than {longest} characters")
        values[field] = text.strip() if field == "username" else text
    if body.get("category_id") is not None:
        values["category"] = _category(body["category_id"], numbers)
    return values


def _category(value: Any, numbers: Numbers) -> Category | None:
    key = number(value)
    if key == ALL:
        return None
    found = numbers.find(key)
    if found is None:
        refuse(400, f"Invalid category_id: there is no category {value!s:.40}")
    return found


def _rights(body: Mapping[str, Any], user: User | None) -> dict[str, Any]:
    """The role that the two flags make; an account keeps its finer rights as long as its role stays."""
    flags = {"is_admin": bool(user and user.is_admin), "is_permission": bool(user and user.is_writer)}
    for field in flags:
        value = body.get(field)
        if value is None:
            continue
        if not isinstance(value, int) or value not in (0, 1):
            refuse(400, f"Invalid {field}: write true or false")
        flags[field] = bool(value)
    role = User.Role.USER if flags["is_permission"] else User.Role.VIEWER
    role = User.Role.ADMIN if flags["is_admin"] else role
    if user is not None and role == user.role:
        return {}
    scope = {"edit_scope": User.EditScope.CATEGORY}
    return {"role": role, "may_run_code": role == User.Role.USER} | (
        scope if role == User.Role.USER or not user else {}
    )


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, verbs.Taken):
        return Refusal(400, TAKEN)
    if isinstance(error, User.DoesNotExist):
        return Refusal(400, "User not found")
    if isinstance(error, ValidationError):
        return Refusal(400, " ".join(error.messages))
    return Refusal(400, str(error))
