"""Optimistic locking: `ETag` names the state that was read, `If-Match` changes only that state (RFC 9110, 13.1.1).

It is for whoever asks for it: without `If-Match` the last change counts, as for every client of the inherited servers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from scheduler_site.rest.errors import ApiError
from scheduler_site.rest.query import timestamp

Given = TypeVar("Given", bound=Response)


class Stamped(Protocol):
    """A row that knows when it was changed, and by whom."""

    updated_at: dt.datetime
    updated_by: Any


def etag(row: Stamped) -> str:
    """Its `updated_at` as it is answered, in quotes."""
    return f'"{timestamp(row.updated_at)}"'


def tagged(response: Given, row: Stamped) -> Given:
    """The answer with the ETag of the row."""
    response["ETag"] = etag(row)
    return response


def require(request: Request, row: Stamped) -> None:
    """412 when the request is meant for an earlier state of this row, which is to be locked."""
    given = request.headers.get("If-Match")
    # Proxies that compress weaken a tag on its way.
    wanted = [part.strip().removeprefix("W/") for part in (given or "*").split(",")]
    if "*" in wanted or etag(row) in wanted:
        return
    who = f" by {row.updated_by}" if row.updated_by else ""
    text = f"It was changed{who} since it was read. Read it again, and send what is still to be changed."
    raise ApiError(412, "Precondition failed", text)


@contextmanager
def unchanged(request: Request, rows: Any) -> Iterator[None]:
    """Within, the one of `rows` is as the request says that it read it. 412."""
    if "If-Match" not in request.headers:
        yield
        return
    with transaction.atomic():
        if row := rows.select_for_update().first():
            require(request, row)
        yield
