"""Writes the audit trail: every verb calls `record` inside its own transaction."""

from __future__ import annotations

import getpass
import ipaddress
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.http import HttpRequest

from audit.models import Entry
from scheduler_site.lib import clock
from scheduler_site.lib.large_values import abbreviated
from scheduler_site.rest.operator_tokens import operator_of

if TYPE_CHECKING:
    from accounts.models import User

MASK = "********"


@dataclass(frozen=True)
class Actor:
    """Who does something: the account, the surface (page, API ...), and the operator behind a shared account."""

    user: User | None
    surface: str = "system"
    address: str | None = None
    operator: str = ""
    # Part of an action on many jobs: it is in the audit trail, but creates no inbox item of its own.
    quiet: bool = False

    @classmethod
    def request(cls, request: HttpRequest, surface: str) -> Actor:
        user = request.user
        return cls(
            user=user if user.is_authenticated else None,
            surface=surface,
            address=address_of(request),
            operator=operator_of(request),
        )

    @classmethod
    def system(cls) -> Actor:
        """Belfry itself: the beat, a worker, the reconciler."""
        return cls(user=None)

    @classmethod
    def command(cls) -> Actor:
        """The actor of a management command, known only by the name of the system account."""
        try:
            operator = getpass.getuser()
        except (KeyError, OSError):  # an account without a name, as in containers
            operator = ""
        return cls(user=None, surface="command", operator=operator)

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user else self.surface


def address_of(request: HttpRequest) -> str | None:
    """The client's address; behind a proxy, what the proxy appended last (what came before it, anybody can write)."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY and (forwarded := request.META.get("HTTP_X_FORWARDED_FOR", "")):
        text = forwarded.rsplit(",", 1)[-1].strip()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def record(
    event: str,
    subject: models.Model,
    *,
    by: Actor,
    changes: dict[str, Any] | None = None,
    description: str = "",
    name: str = "",
    snapshot: dict[str, Any] | None = None,
    last_version: int | None = None,
) -> Entry:
    """Appends an entry about `subject`. `changes` is `{field: {"old": ..., "new": ...}}`, secrets already masked.

    `snapshot` is the whole definition as the change left it (the last one of what is removed), without secrets: with one,
    each addition and modification is the next version of the object, whose row the caller has locked; `last_version` is
    the one before, where the caller has read it already (0: there is none).

    Must be called in the transaction of the change: a change without its entry must not be possible.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry belongs into the transaction of the change that it describes.")
    uid = getattr(subject, "uid", None) if subject.pk is not None else None
    return Entry.objects.create(
        at=clock.now(),
        event=event,
        actor=by.user,
        actor_name=(name or by.name)[:150],
        operator=by.operator[:150],
        surface=by.surface,
        address=by.address,
        object_type=subject._meta.model_name or "",
        object_id=subject.pk,
        object_uid=uid,
        object_name=str(subject)[:255],
        category_id=getattr(subject, "category_id", None),
        changes=_brief(_plain(changes or {})),
        description=description,
        snapshot=_plain(snapshot) if snapshot is not None else None,
        version=_next_version(event, uid, last_version) if uid and snapshot is not None else None,
    )


def _next_version(event: str, uid: uuid.UUID, last: int | None) -> int | None:
    if event == Entry.Event.ADDED:
        return 1
    if event != Entry.Event.MODIFIED:
        return None
    if last is None:
        last = Entry.objects.versions(uid).order_by("-at", "-id").values_list("version", flat=True).first()
    return (last or 0) + 1


def masked(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The difference between two sets of secrets, by name and without any value."""
    return {
        f"secrets.{name}": {"old": MASK if name in before else None, "new": MASK if name in after else None}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields that differ, as `{field: {"old": ..., "new": ...}}`."""
    return {
        field: {"old": before.get(field), "new": after.get(field)}
        for field in {**before, **after}
        if before.get(field) != after.get(field)
    }


def _brief(changes: dict[str, Any]) -> dict[str, Any]:
    """Replaces large values by their digest: the definition itself is in the snapshot of the version."""
    return {
        field: {side: abbreviated(value) for side, value in change.items()}
        if isinstance(change, dict)
        else abbreviated(change)
        for field, change in changes.items()
    }


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Dates and UUIDs as text, as JSON stores them."""
    plain: dict[str, Any] = json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    return plain
