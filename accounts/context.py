"""Context processor: what every page shows of accounts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.pages.expired_session import KeptForm, take_kept_form
from scheduler_site.lib.database.prepared import Prepared


def accounts(request: HttpRequest) -> dict[str, Any]:
    """`default_password`: whether an account still has the default password; shown to administrators only.

    `kept_form`: what was typed on this page when the session had ended already.
    """
    return {
        "default_password": SimpleLazyObject(lambda: _default_password(request)),
        "kept_form": SimpleLazyObject(lambda: _kept_form(request)),
    }


def _kept_form(request: HttpRequest) -> KeptForm | None:
    return take_kept_form(request) if isinstance(getattr(request, "user", None), User) else None


def _default_password(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_perm("accounts.change_user"):
        return False
    return bool(_with_default_password())


_with_default_password = Prepared(
    lambda: User.objects.filter(must_change_password=True, is_active=True).order_by().values_list("pk")[:1]
)
