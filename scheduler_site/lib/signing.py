"""How Belfry signs what it sends: the same header for calls of jobs and for messages."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Belfry-Signature"


def signature(key: str, body: bytes, timestamp: int) -> str:
    """`t=<unix seconds>,v1=<hex>`, where hex is HMAC-SHA256(key, "<t>." + body)."""
    digest = hmac.new(key.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
