"""Verbs for accounts. Each is written here once; the REST API, the pages and the Django admin call it.

Every verb is one transaction together with its audit entry; passwords never enter the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Preferences, User
from accounts.signin import devices, json_web_tokens, logins
from accounts.signin.throttle import Attempt
from audit.models import Entry
from audit.record import MASK, Actor, difference, record

DEFAULT_PASSWORD: Final = "admin123"  # noqa: S105
RECORDED = ("username", "email", "role", "is_active", "category", "edit_scope", "may_run_code")


class LoginRefused(Exception):
    """Wrong name or password, or an account that is switched off; the text may be shown."""


class LastAdmin(Exception):
    """The change would remove the last active administrator."""

    def __init__(self) -> None:
        super().__init__(gettext_noop("At least one active admin must remain."))


class Taken(Exception):
    """Another account has this `field` (username or email)."""

    TEXTS: Final = {
        "username": gettext_noop("Username already exists"),
        "email": gettext_noop("Email already exists"),
    }

    def __init__(self, field: str) -> None:
        super().__init__(self.TEXTS[field])
        self.field = field


def log_in(name: str, password: str, *, by: Actor, request: HttpRequest | None = None) -> User:
    """The account of a username or e-mail address and its password; `request` shows whether its device is known.

    Raises LoginRefused, and TooManyAttempts after too many failures.
    """
    known = User.objects.find(name)
    attempt = _attempt(known, name, by, request)
    try:
        user = _checked(known, name, password)
    except LoginRefused:
        # The name that was tried stays out of the trail: it may be a password in the wrong field.
        with transaction.atomic():
            record(Entry.Event.LOGIN_FAILED, known or User(), by=by, name=str(known or "unknown"))
        raise
    attempt.succeeded()
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        record(Entry.Event.LOGIN, user, by=Actor(user, by.surface, by.address, by.operator))
    return user


def _attempt(known: User | None, name: str, by: Actor, request: HttpRequest | None) -> Attempt:
    if known is None:
        return Attempt(name, by.address)
    device = devices.known(request, known)
    familiar = not device and logins.knows_address(known, by.address)
    return Attempt(str(known.uid), by.address, device=device, familiar=familiar)


def _checked(known: User | None, name: str, password: str) -> User:
    if known is not None and not known.is_active:
        raise LoginRefused(gettext_noop("This account is inactive"))
    user = authenticate(username=name, password=password)
    if not isinstance(user, User):
        raise LoginRefused(gettext_noop("Invalid email/username or password"))
    return user


def confirm(user: User, password: str, *, by: Actor) -> bool:
    """Whether the password of a logged-in user is correct; has its own counter. Raises TooManyAttempts."""
    attempt = Attempt(str(user.uid), by.address, device="confirmation")
    if user.check_password(password):
        attempt.succeeded()
        return True
    return False


@transaction.atomic
def log_out(user: User, *, by: Actor, login: str = "", session_key: str = "") -> None:
    """Ends all tokens of the `login` as well, when there is one; `session_key` names the session that ends."""
    if login:
        json_web_tokens.revoke(login, user)
    logins.ended(user, uid=login, session_key=session_key)
    record(Entry.Event.LOGOUT, user, by=by)


@transaction.atomic
def record_token_reuse(user: User, *, by: Actor) -> None:
    """Records that a refresh token was used twice, which has ended its login."""
    record(Entry.Event.LOGOUT, user, by=by, description="a refresh token was used twice")


def register(username: str, password: str | None, *, by: Actor, **fields: Any) -> User:
    """A new account; `fields` are those of the model. Without a password nobody logs in. Raises ValidationError or Taken."""
    # Hashed before the transaction: it takes as long as it can, and on SQLite all other writers would wait.
    user = User(username=username, password=make_password(password), **fields)
    user.created_by = user.updated_by = by.user
    with transaction.atomic():
        _save(user, ("username", *fields))
        record(Entry.Event.ADDED, user, by=by, changes=difference({}, describe(user)))
    return user


def update(user: User, values: Mapping[str, Any], *, by: Actor) -> User:
    """Changes fields of the account, `password` among them, and returns it as it is now.

    A new password ends every session and every token of the account.
    Raises ValidationError, Taken, LastAdmin, or User.DoesNotExist when it was deleted meanwhile.
    """
    if "password" in values:
        # Before the transaction, as above.
        password = make_password(values["password"])
        values = {**values, "password": password, "must_change_password": False}
    return _update(user, values, by)


@transaction.atomic
def _update(user: User, values: Mapping[str, Any], by: Actor) -> User:
    user, admins = locked(user)
    before = describe(user)
    for field, value in values.items():
        setattr(user, field, value)
    if admins == {user.pk} and not user.is_admin:
        raise LastAdmin
    user.updated_by = by.user
    _save(user, values)
    changes = difference(before, describe(user))
    event = Entry.Event.MODIFIED
    if "password" in values:
        logins.all_ended(user)
        event = event if changes else Entry.Event.PASSWORD_CHANGED
        changes["password"] = {"old": MASK, "new": MASK}
    if changes:
        record(event, user, by=by, changes=changes)
    return user


@transaction.atomic
def delete(user: User, *, by: Actor) -> None:
    """Raises LastAdmin, or User.DoesNotExist if the account was deleted meanwhile."""
    user, admins = locked(user)
    if admins == {user.pk}:
        raise LastAdmin
    # These lose their owner with the account.
    jobs = jobs_of(user)
    record(Entry.Event.DELETED, user, by=by, changes=difference(describe(user) | {"jobs": jobs or None}, {}))
    user.delete()


def jobs_of(user: User) -> list[str]:
    """The names of the jobs that lose their owner with the account, sorted."""
    return list(user.jobs.order_by("name").values_list("name", flat=True))


def describe(user: User) -> dict[str, Any]:
    """The fields of an account that the audit trail records."""
    values = {field: getattr(user, field) for field in RECORDED}
    return values | {"category": str(user.category) if user.category else None}


@transaction.atomic
def set_preferences(preferences: Preferences, values: Mapping[str, Any], *, by: Actor) -> Preferences:
    """Changes notification and UI preferences; returns the updated row."""
    stored = Preferences.objects.select_for_update().select_related("user").get(pk=preferences.pk)
    before = {name: getattr(stored, name) for name in values}
    if changes := difference(before, dict(values)):
        for name, value in values.items():
            setattr(stored, name, value)
        stored.save(update_fields=[*values, "updated_at"])
        record(Entry.Event.MODIFIED, stored, by=by, changes=changes)
    return stored


def default_password_in_use() -> bool:
    """Whether an active admin still has the password that everybody knows."""
    return User.objects.active_admins().filter(must_change_password=True).exists()


def _save(user: User, values: Iterable[str]) -> None:
    # Unchanged fields are not validated: an older account may break a newer rule.
    untouched = {field.name for field in user._meta.fields} - set(values)
    try:
        user.full_clean(exclude=untouched)
        with transaction.atomic():
            user.save()
    except ValidationError as error:
        for field in ("username", "email"):
            if any(reason.code == "unique" for reason in error.error_dict.get(field, ())):
                raise Taken(field) from error
        raise
    except IntegrityError as error:
        # Somebody else took it between the check and the row.
        raise Taken("username" if user._state.adding else "email") from error


def locked(user: User) -> tuple[User, set[int]]:
    """The account and the keys of the active admins, locked: two admins cannot demote each other at once."""
    admins = Q(is_active=True, role=User.Role.ADMIN)
    locked = User.objects.select_for_update().filter(Q(pk=user.pk) | admins).order_by("pk")
    rows = {row.pk: row for row in locked}
    if user.pk not in rows:
        raise User.DoesNotExist
    return rows[user.pk], {pk for pk, row in rows.items() if row.is_admin}
