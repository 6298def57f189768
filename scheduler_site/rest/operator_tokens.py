"""Operator tokens: who stands behind an account that several people share. They trace; they never authenticate.

A token is a digest of the person's id, a salt and the day, made by the client itself (operator-token guide, "Token 生成方式";
wire facts of that dialect, section 1). A write carries it in two headers, or as `user_id` and `token` in its JSON body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from scheduler_site.lib import strict_json

REFUSED = "Token 驗證失敗"
LONGEST_ID = 50
ID_KEY, TOKEN_KEY = "user_id", "token"
ID_HEADER, TOKEN_HEADER = "HTTP_X_OPERATOR_ID", "HTTP_X_OPERATOR_TOKEN"
# No header of a request becomes a key like this one.
NOTED = "belfry.operator"


class OperatorRefused(Exception):
    """The request names an operator and does not prove it, or names none where that is compulsory."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


def _md5(content: str, salt: str, day: str) -> str:
    return hashlib.md5(f"{content}{salt}{day}".encode(), usedforsecurity=False).hexdigest()


def _hmac_sha256(content: str, salt: str, day: str) -> str:
    return hmac.new(salt.encode(), f"{content}{day}".encode(), hashlib.sha256).hexdigest()


ALGORITHMS: Mapping[str, Callable[[str, str, str], str]] = {"md5": _md5, "hmac-sha256": _hmac_sha256}


def expected(user_id: str) -> str:
    """The token of an operator on this day in the scheduler's time zone, in lowercase hex."""
    day = timezone.localdate(timezone=ZoneInfo(settings.SCHEDULER_TIMEZONE))
    return ALGORITHMS[settings.OPERATOR_TOKEN_ALGORITHM](
        user_id, settings.OPERATOR_TOKEN_SALT, f"{day:%Y%m%d}"
    )


def is_valid(user_id: Any, token: Any) -> bool:
    """Whether both are texts that belong together today; compared in constant time."""
    if not (isinstance(user_id, str) and isinstance(token, str) and 0 < len(user_id) <= LONGEST_ID):
        return False
    if strict_json.problem_of(user_id) or not token.isascii():
        return False
    return hmac.compare_digest(expected(user_id), token)


def check_operator(request: HttpRequest) -> None:
    """Notes whom a write names; to be called before it does anything. Raises OperatorRefused.

    Headers go before the body. In a body it takes both keys: one of them alone is any dialect's own business.
    """
    named = _in_headers(request) or _in_body(request)
    if named is None and not settings.OPERATOR_TOKEN_REQUIRED:
        return
    if named is None or not is_valid(*named):
        raise OperatorRefused
    request.META[NOTED] = named[0]


def require_operator(request: HttpRequest, body: Any) -> str:
    """For a dialect whose writes always name an operator, in their JSON body and nowhere else: notes who it is, and tells.

    Raises OperatorRefused.
    """
    named = (body.get(ID_KEY), body.get(TOKEN_KEY)) if isinstance(body, dict) else (None, None)
    if not is_valid(*named):
        raise OperatorRefused
    request.META[NOTED] = named[0]
    return str(named[0])


def operator_of(request: HttpRequest) -> str:
    """The operator who was noted; empty for none."""
    return str(request.META.get(NOTED, ""))


def without_operator(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the view means it."""
    if not {ID_KEY, TOKEN_KEY} <= body.keys():
        return body
    return {key: value for key, value in body.items() if key not in (ID_KEY, TOKEN_KEY)}


def _in_headers(request: HttpRequest) -> tuple[Any, Any] | None:
    user_id, token = request.META.get(ID_HEADER), request.META.get(TOKEN_HEADER)
    return None if user_id is None and token is None else (_decoded(user_id), token)


def _decoded(header: str | None) -> str | None:
    """WSGI hands bytes on as Latin-1 (PEP 3333); ids are UTF-8."""
    try:
        return header.encode("latin-1").decode() if header else header
    except UnicodeError:
        return None


def _in_body(request: HttpRequest) -> tuple[Any, Any] | None:
    if (request.content_type or "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        return None
    try:
        body = strict_json.loads(request.body)
    except ValueError:
        # Whoever reads the body says what is wrong with it.
        return None
    if not isinstance(body, dict) or not {ID_KEY, TOKEN_KEY} <= body.keys():
        return None
    return body[ID_KEY], body[TOKEN_KEY]
