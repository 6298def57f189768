"""What the reader of a page may do: `{% load permissions %}`."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AnonymousUser

from accounts import roles
from accounts.models import User

register = template.Library()


@register.filter
def permissions(user: User | AnonymousUser) -> frozenset[str] | None:
    """All that an account may do; None for whoever has not logged in. There are as many as roles, and a few more."""
    return roles.permissions(user) if isinstance(user, User) else None
