"""Replaces large JSON values by their digest and size, for the audit trail and lists."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Bytes of JSON that one value may have there.
LARGE = 8 * 1024
KEYS = frozenset({"omitted", "bytes", "sha256"})


def abbreviated(value: Any, most: int = LARGE) -> Any:
    """The value; `{"omitted": true, "bytes", "sha256"}` in the place of each part that is larger than `most` bytes of JSON.

    Of an object its large members; what is still too large then, as a whole. The digest is that of the JSON with sorted keys.
    """
    if _is_small(value):
        return value
    text = _json(value)
    if len(text) <= most:
        return value
    if isinstance(value, dict):
        shorter = {name: abbreviated(item, most) for name, item in value.items()}
        if len(_json(shorter)) <= most:
            return shorter
    return {"omitted": True, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def is_omitted(value: Any) -> bool:
    """Whether this, or a part of it, stands for something that was left out."""
    if isinstance(value, dict):
        return value.keys() == KEYS or any(map(is_omitted, value.values()))
    return isinstance(value, list) and any(map(is_omitted, value))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _is_small(value: Any) -> bool:
    """Told without writing it out, as most values are."""
    if isinstance(value, str):
        return len(value) < LARGE // 8
    if isinstance(value, dict):
        return len(value) < 32 and all(
            isinstance(one, str | int | float | None) and _is_small(one) for one in value.values()
        )
    return not isinstance(value, list) or not value
