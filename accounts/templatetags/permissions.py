"""What the reader of a page may do: `{% load permissions %}`."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AnonymousUser

from accounts import roles
from accounts.models import User

register = template.Library()


@register.filter
def permissions(user: User | AnonymousUser) -> frozenset[str] | None:
    """The rights of an account, None without a login. There are few different sets: one for each role and its exceptions."""
    return roles.permissions(user) if isinstance(user, User) else None
