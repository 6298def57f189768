"""From a Spec to the request that is sent: pure functions.

Every request carries
    X-Belfry-Run       the run's uuid
    X-Belfry-Slot      the scheduled time (ISO 8601, UTC); absent for manual runs
    Idempotency-Key    the run's uuid: a due time has one run, so every attempt for it repeats the same key
    X-Belfry-Signature when the job has a signing key: `t=<unix seconds>,v1=<hex>`, where hex is
                       HMAC-SHA256(key, "<t>." + body). A receiver recomputes it over the raw body, compares
                       in constant time, and refuses a `t` that is older than it likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from scheduler_site.lib import credentials
from scheduler_site.lib.signing import HEADER, signature

from ..base import Outcome, Spec
from .forms import BODILESS, METHODS, body_bytes, success_ranges
from .headers import clean_headers

if TYPE_CHECKING:
    from yarl import URL

NOT_PERMANENT = frozenset({408, 425, 429})  # the 4xx that a later attempt may overcome
MAX_RETRY_AFTER = 3600.0  # seconds
JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """What goes out. `own` are our harmless headers; `private` the job's, kept for the origin it named."""

    method: str
    url: URL
    body: bytes
    own: Mapping[str, str] = field(repr=False)
    private: Mapping[str, str] = field(repr=False)

    def headers(self) -> dict[str, str]:
        """All headers; the job's replace ours of the same name, whatever their case."""
        chosen = {name.lower() for name in self.private}
        own = {name: value for name, value in self.own.items() if name.lower() not in chosen}
        return own | dict(self.private)


def build(spec: Spec, url: URL, *, agent: str, now: float) -> Request:
    """The first request of a run; raises ValidationError for headers that may not be sent."""
    options = spec.options
    metadata = credentials.joined(spec.metadata, _object(spec.secrets, "metadata"))
    method, body, content_type = _method_and_body(options, metadata)
    if query := _object(spec.secrets, "query"):
        url = plain(url).extend_query({name: str(text) for name, text in query.items()})
    own = {"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"}
    own |= {"X-Belfry-Run": spec.run_id, "Idempotency-Key": spec.run_id}
    if spec.slot is not None:
        own["X-Belfry-Slot"] = spec.slot.astimezone(UTC).isoformat()
    if content_type:
        own["Content-Type"] = content_type
    private = clean_headers(options.get("headers") or {}) | secret_headers(spec.secrets)
    if key := spec.secrets.get("signing_key"):
        private[HEADER] = signature(key, body, int(now))
    return Request(method, url, body, own, private)


def plain(url: URL) -> URL:
    """Without a sign that only its spelling has (`addresses.parse_url`), to make another URL of it."""
    from yarl import URL

    return URL(str(url), encoded=True)


def _method_and_body(options: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[str, bytes, str]:
    """What the options say; else GET, or POST with the metadata when there is any."""
    body = options.get("body")
    method = options.get("method") or ("POST" if body is not None or metadata else "GET")
    if method in BODILESS:
        return method, b"", ""
    if body is None and metadata and method != "DELETE":
        body = dict(metadata)
    if body is None:
        return method, b"", ""
    return method, body_bytes(body), JSON if _is_json(body) else "text/plain; charset=utf-8"


def _is_json(body: Any) -> bool:
    if not isinstance(body, str):
        return True
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def secret_headers(secrets: Mapping[str, str]) -> dict[str, str]:
    """The headers kept with the job's secrets; raises ValidationError or JSONDecodeError."""
    headers = json.loads(secrets.get("headers") or "{}")
    if not isinstance(headers, dict):
        raise ValidationError(_("The secret headers are not an object."))
    return clean_headers(headers)


def _object(secrets: Mapping[str, str], name: str) -> dict[str, Any]:
    """What is kept as JSON with the job's secrets; raises ValidationError."""
    try:
        value = json.loads(secrets.get(name) or "{}")
    except ValueError as problem:
        raise ValidationError(_("The secret “%(name)s” is not an object.") % {"name": name}) from problem
    if not isinstance(value, dict):
        raise ValidationError(_("The secret “%(name)s” is not an object.") % {"name": name})
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def secret_values(spec: Spec) -> Iterator[str]:
    """Every text that must not be seen in what the run leaves behind."""
    headers = {name.lower(): str(value) for name, value in (spec.options.get("headers") or {}).items()}
    yield from (value for name, value in spec.secrets.items() if name != "headers")
    try:
        hidden = list(secret_headers(spec.secrets).values())
    except Exception:  # malformed: then the text as a whole is all there is to hide
        hidden = [spec.secrets["headers"]]
    for name in ("query", "metadata"):
        with suppress(ValidationError):
            yield from _texts(_object(spec.secrets, name))
    for value in hidden + [headers[name] for name in headers if credentials.is_name(name)]:
        yield value
        yield value.partition(" ")[2]  # the credentials without their scheme


def loses_body(request: Request, status: int) -> bool:
    """Whether following this redirect sends a GET where something was to be posted (RFC 9110, 15.4.2 and 15.4.3).

    303 is left out: with it a server says that it has taken what was posted.
    """
    return status in (301, 302) and request.method == "POST"


def redirected(request: Request, status: int, url: URL) -> Request:
    """The request after a redirect (RFC 9110 section 15.4); another origin sees none of the job's headers."""
    if request.url.origin() != url.origin():
        request = replace(request, private={})
    rewritten = {"POST"} if status in (301, 302) else set(METHODS) - {"HEAD"} if status == 303 else set()
    if request.method in rewritten:
        own, private = _without_body(request.own), _without_body(request.private)
        request = replace(request, method="GET", body=b"", own=own, private=private)
    return replace(request, url=url)


def _without_body(headers: Mapping[str, str]) -> dict[str, str]:
    about_body = ("content-type", "x-belfry-signature")
    return {name: value for name, value in headers.items() if name.lower() not in about_body}


def succeeded(status: int, options: Mapping[str, Any]) -> bool:
    """2xx, or what the job's success codes say."""
    codes = options.get("success_codes")
    return any(status in codes for codes in success_ranges(codes)) if codes else 200 <= status < 300


def judge(status: int, options: Mapping[str, Any], retry_after: str | None, now: datetime) -> Outcome:
    """The outcome of an answer with this status and Retry-After header. What was done (2xx) is not done twice."""
    if succeeded(status, options):
        return Outcome("success", response_status=status)
    retryable = not (200 <= status < 300 or 400 <= status < 500) or status in NOT_PERMANENT
    wait = parse_retry_after(retry_after, now) if retryable else None
    message = f"Webhook returned status {status}"
    return Outcome("failed", message, response_status=status, retryable=retryable, retry_after=wait)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait (RFC 9110 section 10.2.3: seconds or a date), at most an hour; None when unreadable."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:10]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
