"""Whether a write with the cookie comes from our own origin: browsers send cookies on behalf of any page."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http import HttpRequest


def is_ours(request: HttpRequest) -> bool:
    """By Sec-Fetch-Site, which no page can forge, else by Origin, else by Referer; programs send none of them."""
    if request.headers.get("Sec-Fetch-Site") in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin") or _origin(request.headers.get("Referer", ""))
    if origin in {*settings.CORS_ALLOWED_ORIGINS, *settings.CSRF_TRUSTED_ORIGINS}:
        return True
    if "Sec-Fetch-Site" in request.headers:
        return False
    return not origin or _split(origin).netloc == request.get_host()


def _origin(address: str) -> str:
    parts = _split(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else address


def _split(address: str) -> SplitResult:
    """What is no address has no host."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
