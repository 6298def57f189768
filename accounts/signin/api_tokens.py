"""API tokens for machines: made by a person, shown once, kept as a digest, good until they expire or are revoked.

A token acts as its owner, and is worth what the owner's role is worth at that moment; a read-only one less. A new password of
the owner does not end it. With a token nobody can make or revoke tokens, nor set passwords.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import secrets

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import ApiToken, User
from accounts.signin import throttle
from accounts.signin.json_web_tokens import TokenRefused
from audit.models import Entry
from audit.record import Actor, record

PREFIX = "belfry_"
SHOWN = len(PREFIX) + 8
# At most this many tokens of an account may be valid.
MOST = 50
NOTED = dt.timedelta(minutes=1)
# The `type` of `request.auth` where an API token was sent; that of a login's token is access or refresh.
API_TOKEN = "api_token"  # noqa: S105


class TooManyTokens(Exception):
    """The account has as many tokens as one may have; the text says so."""

    def __init__(self) -> None:
        super().__init__(_("You have %(most)d API tokens. Revoke one first.") % {"most": MOST})


@transaction.atomic
def create(
    owner: User, name: str, *, read_only: bool, expires_at: dt.datetime | None, by: Actor
) -> tuple[ApiToken, str]:
    """The row of a new token, and the token itself, which is kept nowhere. Raises TooManyTokens."""
    User.objects.select_for_update().get(pk=owner.pk)
    if in_use(owner, timezone.now()) >= MOST:
        raise TooManyTokens
    raw = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name,
        owner=owner,
        prefix=raw[:SHOWN],
        digest=_digest(raw),
        read_only=read_only,
        expires_at=expires_at,
    )
    told = {"owner": owner.get_username(), "read_only": read_only, "expires_at": expires_at}
    changes = {field: {"old": None, "new": value} for field, value in told.items()}
    record(Entry.Event.ADDED, token, by=by, changes=changes)
    return token, raw


@transaction.atomic
def revoke(token: ApiToken, *, by: Actor) -> bool:
    """Ends a token at once. False when it was revoked already."""
    now = timezone.now()
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        return False
    record(Entry.Event.MODIFIED, token, by=by, changes={"revoked_at": {"old": None, "new": now}})
    return True


def in_use(owner: User, now: dt.datetime) -> int:
    alive = Q(expires_at=None) | Q(expires_at__gt=now)
    return owner.api_tokens.filter(alive, revoked_at=None).count()


def is_one(raw: str) -> bool:
    """Whether it looks like a token of ours, good or bad."""
    return raw.startswith(PREFIX)


def accepted(raw: str, address: str | None, now: dt.datetime) -> ApiToken:
    """The token's row, with its owner. Raises TokenRefused, and TooManyAttempts after too many bad ones from an address."""
    try:
        token = _found(raw, now)
    except TokenRefused:
        # By address and apart from logins. A good token is not counted: nobody else there can spoil it for its user.
        throttle.count("token-address", address or "")
        raise
    _note_use(token, now)
    return token


def _found(raw: str, now: dt.datetime) -> ApiToken:
    digest = _digest(raw)
    known = ApiToken.objects.select_related("owner").filter(prefix=raw[:SHOWN].replace("\0", ""))
    token = next((one for one in known if constant_time_compare(one.digest, digest)), None)
    if token is None:
        raise TokenRefused("Invalid token")
    if token.revoked_at is not None:
        raise TokenRefused("Token has been revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefused("Token has expired")
    if not token.owner.is_active:
        raise TokenRefused("User account is deactivated")
    return token


def _note_use(token: ApiToken, now: dt.datetime) -> None:
    """Once a minute: a machine that asks every second must not write every second."""
    if token.last_used_at is not None and token.last_used_at > now - NOTED:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED)
    with contextlib.suppress(OperationalError):  # a busy database: the next request notes it
        ApiToken.objects.filter(due, pk=token.pk).update(last_used_at=now)


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode(errors="replace")).hexdigest()
