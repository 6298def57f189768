"""Small statements that each page and each check of health asks for, compiled once.

Of such a statement the ORM takes three quarters of the time, to make the same SQL again: the rows of an index that it reads are
few. Where a statement is asked for seldom, or is long to answer, an ordinary queryset is the better one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import BigIntegerField, DateTimeField, Field, QuerySet, TextField, UUIDField

# What stands for a value while the statement is made: nothing that a statement would say by itself.
_STAND_INS: dict[type, Callable[[int], Any]] = {
    int: lambda number: 7_204_913_558_000 + number,
    str: lambda number: f"\u2063{number:03}",
    dt.datetime: lambda number: dt.datetime(1907, 3, 5, 7, 11, 13, number, dt.UTC),
    UUID: lambda number: UUID(int=0x7204913558 << 64 | number),
}
_FIELDS: dict[type, Field[Any, Any]] = {
    int: BigIntegerField(),
    str: TextField(),
    dt.datetime: DateTimeField(),
    UUID: UUIDField(),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the value of that number goes."""

    number: int


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    params: Sequence[Any]
    compiler: Any
    converters: dict[int, Any]


class Prepared:
    """`names = Prepared(lambda owner: Job.objects.filter(owner=owner).values_list("name"), int)`, then `names(user.pk)`.

    `build` makes a queryset of tuples (`values_list`). Its arguments are stand-ins of the types that are named: all that it may
    do with them is to hand them to the queryset. Another use, or a clock, is refused when the statement is made.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *types: type) -> None:
        self._build, self._types = build, types
        self._made: dict[str, _Statement] = {}

    def __call__(self, *values: Any) -> list[Any]:
        """The rows; `values` take the place of the arguments."""
        return self._rows("{}", values)

    def first(self, *values: Any) -> Any:
        """The first column of the first row; None where there is none."""
        rows = self(*values)
        return rows[0][0] if rows else None

    def count(self, *values: Any) -> int:
        """How many rows there are."""
        rows = self._rows("SELECT count(*) FROM ({}) counted", values, converted=False)
        return int(rows[0][0]) if rows else 0

    def _rows(self, around: str, values: Sequence[Any], *, converted: bool = True) -> list[Any]:
        connection = connections["default"]
        if (made := self._made.get(connection.vendor)) is None:
            made = self._made[connection.vendor] = self._make()
        if not made.sql:
            return []
        ready = self._ready(values)
        with connection.cursor() as cursor:
            params = [ready[one.number] if isinstance(one, _Place) else one for one in made.params]
            cursor.execute(around.format(made.sql), params)
            rows = cursor.fetchall()
        if converted and made.converters:
            rows = map(tuple, made.compiler.apply_converters(rows, made.converters))
        return list(rows)

    def _ready(self, values: Sequence[Any]) -> list[Any]:
        """As the database takes them."""
        connection = connections["default"]
        return [
            _FIELDS[kind].get_db_prep_value(value, connection)
            for kind, value in zip(self._types, values, strict=True)
        ]

    def _make(self) -> _Statement:
        """Compiles it twice, for other stand-ins: where the two differ, there the values go."""
        stand_ins = [
            [_STAND_INS[kind](100 * turn + place) for place, kind in enumerate(self._types)]
            for turn in (1, 2)
        ]
        compilers = [self._build(*given).query.get_compiler("default") for given in stand_ins]
        try:
            (sql, params), (again, others) = (compiler.as_sql() for compiler in compilers)
        except EmptyResultSet:
            return _Statement("", (), None, {})
        pairs = list(zip(*map(self._ready, stand_ins), strict=True))
        found = list(zip(params, others, strict=True))
        if sql != again or any(one != other and (one, other) not in pairs for one, other in found):
            raise ValueError(
                "What is prepared may hand over its values as they are, and nothing else may change."
            )
        places = [one if one == other else _Place(pairs.index((one, other))) for one, other in found]
        compiler: Any = compilers[0]
        return _Statement(
            sql, places, compiler, compiler.get_converters([one for one, *_ in compiler.select])
        )
