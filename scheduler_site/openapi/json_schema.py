"""Converts the types of request and response bodies (`scheduler_site/rest/schema_types.py`) to JSON Schema 2020-12."""

from __future__ import annotations

import inspect
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from scheduler_site.rest.schema_types import Rules

Schema = dict[str, Any]
# Marks a schema that becomes a component of this name; it is gone in the document.
COMPONENT = "x-component"
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def schema_of(kind: Any) -> Schema:
    """The schema of a type: TypedDict, Annotated, Literal, a union, list, dict with texts as keys, or a plain JSON type.

    TypeError for any other.
    """
    args = get_args(kind)
    match get_origin(kind):
        case None if kind is Any:
            return {}
        case None if kind in NAMES:
            return {"type": NAMES[kind]}
        case None if is_typeddict(kind):
            return _object(kind)
        case origin if origin is Annotated:
            return _annotated(args[0], args[1:])
        case origin if origin in (Required, NotRequired):
            return schema_of(args[0])
        case origin if origin in (Union, UnionType):
            return _union(args)
        case origin if origin is Literal:
            values = {"const": args[0]} if len(args) == 1 else {"enum": list(args)}
            return {"type": NAMES[type(args[0])]} | values
        case origin if origin is list:
            return {"type": "array", "items": schema_of(args[0])}
        case origin if origin is dict and args[0] is str:
            return {"type": "object", "additionalProperties": schema_of(args[1])}
    raise TypeError(f"{kind!r} says nothing that could be described.")


def is_optional(kind: type, name: str, hint: Any) -> bool:
    """Whether an object may lack this key. Python does not see what is written as a text, hence the second look."""
    if get_origin(hint) in (Required, NotRequired):
        return get_origin(hint) is NotRequired
    return name not in kind.__required_keys__  # type: ignore[attr-defined]


@cache
def _object(kind: type) -> Schema:
    """Named like its class, without `Json` at the end; one whose name begins with `_` stays where it is used."""
    hints = get_type_hints(kind, include_extras=True)
    more, needed = getattr(kind, "__also__", ({}, ()))
    required = [*needed] + [name for name, hint in hints.items() if not is_optional(kind, name, hint)]
    name = kind.__name__.removesuffix("Json")
    return (
        ({} if name.startswith("_") else {COMPONENT: name})
        | {"type": "object", "description": in_one_line(kind.__doc__)}
        | {"properties": more | {name: _property(hint) for name, hint in hints.items()}}
        | ({"required": required} if required else {})
    )


def _property(hint: Any) -> Schema:
    schema = schema_of(hint)
    if "const" in schema and "description" not in schema:
        value = schema["const"]
        told = f"Always {str(value).lower()}." if isinstance(value, bool) else f"Always `{value}`."
        return schema | {"description": told}
    return schema


def _annotated(kind: Any, extras: tuple[Any, ...]) -> Schema:
    """What is said last comes first: a field says what it is, then its type what holds for all of its kind."""
    schema = schema_of(kind)
    texts = [extra for extra in reversed(extras) if isinstance(extra, str)]
    if "type" in schema and COMPONENT not in schema and "description" in schema:
        texts.append(schema["description"])
    for extra in extras:
        if isinstance(extra, Rules):
            schema = schema | extra.keywords
    if "enum" in schema and "null" in schema.get("type", "") and None not in schema["enum"]:
        schema = schema | {"enum": [*schema["enum"], None]}
    return schema | ({"description": " ".join(texts)} if texts else {})


def nullable(schema: Schema) -> Schema:
    """The same, or null, of a schema with one simple type."""
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | values


def _union(kinds: tuple[Any, ...]) -> Schema:
    schemas = [schema_of(kind) for kind in kinds if kind is not NoneType]
    if len(schemas) == len(kinds) or len(schemas) > 1 or COMPONENT in schemas[0] or "type" not in schemas[0]:
        nothing = [{"type": "null"}] * (len(schemas) < len(kinds))
        told = {"description": schemas[0]["description"]} if len(schemas) == 1 else {}
        return told | {"anyOf": [*schemas, *nothing]}
    schema = schemas[0]
    if "const" in schema:
        schema = {"enum": [schema["const"]]} | {key: schema[key] for key in schema if key != "const"}
    return nullable(schema)


def in_one_line(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split())
