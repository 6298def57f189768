"""The API's document made strict: what it does not describe must not be answered."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

REFERENCE = "#/components/schemas/"
METHODS = ("get", "post", "put", "patch", "delete")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in capitals, and description of each."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method.upper(), item[method]


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The same with answers that have no other properties than those described."""
    document = copy.deepcopy(document)
    waiting: list[Any] = [operation["responses"] for _path, _method, operation in operations(document)]
    seen: set[str] = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            reference = part.get("$ref", "")
            if isinstance(reference, str) and reference.startswith(REFERENCE) and reference not in seen:
                seen.add(reference)
                waiting.append(document["components"]["schemas"][reference.removeprefix(REFERENCE)])
            if isinstance(part.get("properties"), dict) and part.get("type") == "object":
                part["additionalProperties"] = False
            waiting.extend(part.values())
    return document
