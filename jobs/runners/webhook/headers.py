"""Which request headers a job may set: a token, one line of text, and none that belongs to the connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_HEADERS = 50
MAX_VALUE_LENGTH = 8192

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token, RFC 9110 section 5.6.2
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
# Hop by hop (RFC 9110 section 7.6.1), framing, and Host: they decide where and how the request travels.
_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
OURS = "x-belfry-"


def clean_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    """The headers as text; raises ValidationError naming the first one that may not be set."""
    if len(headers) > MAX_HEADERS:
        raise ValidationError(_("There are more than %(limit)d headers.") % {"limit": MAX_HEADERS})
    return {_clean_name(name): _clean_value(name, value) for name, value in headers.items()}


def _clean_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValidationError(_("“%(name)s” is not a header name.") % {"name": name})
    if name.lower() in _CONNECTION or name.lower().startswith(OURS):
        raise ValidationError(_("The header “%(name)s” cannot be set by a job.") % {"name": name})
    return name


def _clean_value(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValidationError(_("The value of “%(name)s” must be text.") % {"name": name})
    text = str(value).strip()
    if not _VALUE.fullmatch(text) or len(text) > MAX_VALUE_LENGTH:
        raise ValidationError(_("The value of “%(name)s” must be one line of text.") % {"name": name})
    return text
