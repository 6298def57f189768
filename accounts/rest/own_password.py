"""Changing one's own password requires the old one, unless the user logged in a moment ago."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework.request import Request

from accounts import verbs
from accounts.models import User
from accounts.signin import json_web_tokens
from accounts.signin.throttle import TooManyAttempts
from audit.record import Actor
from scheduler_site.rest.views import ApiError, too_many

# Clients of the dialect know no field for the old password (v2 README, users): a login of the last minutes stands for it.
FRESH = dt.timedelta(minutes=10)
ASKED = "Current password required"


def require_old_password(request: Request, user: User, given: Any, *, by: Actor) -> None:
    """400 without it or for a wrong one, 429 after too many. Not asked for where the token's login is fresh."""
    if given is None and is_fresh(
        json_web_tokens.since(request.auth) if isinstance(request.auth, dict) else 0
    ):
        return
    if not isinstance(given, str) or not given:
        minutes = int(FRESH.total_seconds() // 60)
        text = f"Send current_password with the new one, or log in again: for {minutes} minutes a login stands for it."
        raise ApiError(400, ASKED, text)
    try:
        if not verbs.confirm(user, given, by=by):
            raise ApiError(400, "Wrong current password", "This is not your current password.")
    except TooManyAttempts as refusal:
        raise too_many(refusal.wait) from refusal


def is_fresh(since: int) -> bool:
    """Whether a password that was given then (Unix time) was given a moment ago."""
    return 0 <= timezone.now().timestamp() - since <= FRESH.total_seconds()
