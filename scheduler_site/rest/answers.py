"""Answers that say what is in them: mypy checks the body against its type, and the API's document is made of the same type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from rest_framework.response import Response

Body = TypeVar("Body", covariant=True)


# Generic comes first: Response has brackets of its own, which forget what is in them.
class Answer(Generic[Body], Response):
    """200 with a JSON body of the type in brackets, a `TypedDict`."""

    status_code = 200

    def __init__(
        self, body: Body, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, status=status, headers=headers)


class Created(Answer[Body]):
    """201."""

    status_code = 201


class Accepted(Answer[Body]):
    """202: it has been written down, and is done later."""

    status_code = 202
