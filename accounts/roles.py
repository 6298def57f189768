"""The role table: which role has which permission. One place; everything else asks `user.has_perm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest

from accounts import readers
from accounts.models import User
from scheduler_site.lib.database.prepared import Prepared

if TYPE_CHECKING:
    from django.db.models import Model

VIEWER = frozenset(
    {
        "jobs.view_job",
        "executions.view_execution",
        "environments.view_environment",
        "incidents.view_incident",
        "themes.view_registry",
    }
)
# What goes with the right to run code, besides the right itself.
CODE = frozenset(
    {
        "jobs.run_code",
        "environments.add_environment",
        "environments.change_environment",
        "environments.delete_environment",
    }
)
USER = VIEWER | {
    "jobs.add_job",
    "jobs.change_job",
    "jobs.delete_job",
    "jobs.run_job",
    "executions.stop_execution",
    "incidents.handle_incident",
    "themes.change_registry",
}
ADMIN = (
    USER
    | CODE
    | {
        # What is not bound to a category or an owner.
        "jobs.view_all_jobs",
        "jobs.change_all_jobs",
        "environments.change_all_environments",
        "executions.view_system",
        "executions.resync_jobs",
        "notifications.view_alert",
        "notifications.resend_alert",
        "notifications.change_slacksettings",
        "incidents.change_reminderrules",
        "notifications.change_destination",
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.delete_user",
        "accounts.view_category",
        "accounts.add_category",
        "accounts.change_category",
        "accounts.delete_category",
        "accounts.view_team",
        "accounts.add_team",
        "accounts.change_team",
        "accounts.delete_team",
        "accounts.view_apitoken",
        "audit.view_entry",
        "executions.hold_starts",
        "executions.drain_worker",
        "executions.change_limits",
    }
)
TABLE: dict[str, frozenset[str]] = {User.Role.VIEWER: VIEWER, User.Role.USER: USER, User.Role.ADMIN: ADMIN}


def permissions(user: User) -> frozenset[str]:
    """The permissions of an account; `visible_to` and `changeable_by` of the querysets say on which rows."""
    if not user.is_active:
        return frozenset()
    granted = TABLE.get(user.role, frozenset())
    return granted | CODE if user.may_run_code and user.role != User.Role.VIEWER else granted


def home_category(user: User) -> int | None:
    """The key of the only category that the user sees; None if he sees all."""
    return None if user.has_perm("jobs.view_all_jobs") else user.category_id


def roles_with(permission: str) -> list[str]:
    """The roles that have a permission of the table."""
    return [role for role, granted in TABLE.items() if permission in granted]


def holders(permission: str, prefix: str = "") -> Q:
    """The active accounts that have a permission, as a condition; `prefix` leads to the account."""
    found = Q(**{f"{prefix}role__in": roles_with(permission)})
    if permission in CODE:
        found |= Q(**{f"{prefix}may_run_code": True}) & ~Q(**{f"{prefix}role": User.Role.VIEWER})
    return Q(**{f"{prefix}is_active": True}) & found


_by_key = Prepared(lambda key: User.objects.filter(pk=key).order_by().values_list(*readers.COLUMNS), int)


class RoleBackend(ModelBackend):
    """Log in by username or e-mail address; permissions come from the role table alone."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        user = User.objects.find(username) if username else None
        if user is None or password is None:
            # Takes as long as checking a real password: who has an account must not be measurable.
            make_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def get_user(self, user_id: int) -> User | None:
        """Of each request of a page."""
        user = next(map(readers.account, _by_key(user_id)), None)
        return user if user and self.user_can_authenticate(user) else None

    def has_perm(
        self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Model | None = None
    ) -> bool:
        return isinstance(user_obj, User) and perm in permissions(user_obj)

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        return isinstance(user_obj, User) and any(
            perm.startswith(f"{app_label}.") for perm in permissions(user_obj)
        )
