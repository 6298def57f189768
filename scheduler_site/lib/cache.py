"""How values are written into the cache: as JSON. Django's own way is pickle, and whoever can write to Redis could make a
process that reads it run their code."""

from __future__ import annotations

import json
from typing import Any


class JSONSerializer:
    """For RedisCache. Whole numbers stay plain digits, which Redis can count up."""

    def dumps(self, value: Any) -> bytes | int:
        """Raises TypeError for what JSON does not know."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """What was stored; None, as if there were nothing, for bytes that somebody else has written."""
        try:
            return json.loads(data)
        except ValueError:
            return None
