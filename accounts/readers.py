"""Small statements that depend on who looks, compiled once for each kind of account (lib/database/prepared.py)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from scheduler_site.lib.database.prepared import Prepared

# Of an account, in the order in which `account` takes them.
COLUMNS = [field.attname for field in User._meta.concrete_fields]
# What the role table and the querysets ask of an account, besides its keys.
_RIGHTS = ("role", "is_active", "may_run_code", "edit_scope")


def account(row: Sequence[Any]) -> User:
    """Out of a row that has its COLUMNS."""
    return User.from_db("default", COLUMNS, row)


class ForReader:
    """`mine = ForReader(lambda user: Job.objects.visible_to(user).filter(owner=user).values_list("pk"))`; `mine.count(ada)`.

    `build` is given an account with the key, the category and the rights of the reader, and nothing else: no name, no address.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *types: type) -> None:
        """`types`: of further values that `build` takes after the account."""
        self._build, self._types = build, types
        self._known: dict[Hashable, Prepared] = {}

    def __call__(self, user: User, *values: Any) -> list[Any]:
        return self._of(user)(user.pk, user.category_id or 0, *values)

    def count(self, user: User, *values: Any) -> int:
        return self._of(user).count(user.pk, user.category_id or 0, *values)

    def _of(self, user: User) -> Prepared:
        rights = tuple(getattr(user, name) for name in _RIGHTS)
        kind = (*rights, user.category_id is None)
        if kind not in self._known:
            self._known[kind] = Prepared(partial(self._build_for, kind), int, int, *self._types)
        return self._known[kind]

    def _build_for(self, kind: tuple[Any, ...], key: int, category: int, *values: Any) -> QuerySet[Any, Any]:
        *rights, sees_all = kind
        user = User(pk=key, category_id=None if sees_all else category)
        for name, value in zip(_RIGHTS, rights, strict=True):
            setattr(user, name, value)
        return self._build(user, *values)
