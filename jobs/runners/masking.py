"""Keeps secrets out of what a run leaves behind: mask first, truncate afterwards."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "[secret]"
SHORTEST_SECRET = 4  # characters; masking every "1" or "no" would hide the output and protect nothing
SHORTEST_FRAGMENT = 6  # characters of a base64 fragment


class Mask:
    """Replaces secret values in text, also where they appear URL-encoded, escaped or in base64."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        # How many characters a cut must look ahead to see a whole secret.
        self.longest = max(map(len, forms), default=0)
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield secret
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield encoded
        yield re.sub("%..", lambda escape: escape[0].lower(), encoded)
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield raw.hex()
    for offset in range(3):
        fragment = _base64_fragment(raw, offset)
        if len(fragment) >= SHORTEST_FRAGMENT:
            yield fragment
            yield fragment.replace("+", "-").replace("/", "_")


def _base64_fragment(raw: bytes, offset: int) -> str:
    """The characters that depend on the secret alone when it stands `offset` bytes into what was encoded."""
    encoded = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
    first = (0, 2, 3)[offset]
    last = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
    return encoded[first:last]
