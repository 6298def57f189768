"""The OpenAPI types of the job fields that are sent and returned as they are stored."""

from __future__ import annotations

from jobs.models.column_types import bounds_of, column_of, shape_of
from jobs.models.fields import PLAIN, JobField
from scheduler_site.openapi.json_schema import Schema, nullable

TYPES = {"text": "string", "choice": "string", "number": "integer", "flag": "boolean"}


def described(field: JobField) -> Schema:
    """By its column: type, bounds, default and choices."""
    column, shape = column_of(field.name), shape_of(field)
    schema: Schema = {"type": TYPES[shape], "description": field.about, **bounds_of(field)}
    if shape == "text":
        schema["maxLength"] = column.max_length
    if shape == "choice":
        schema["enum"] = [value for value, _label in column.choices or ()]
    if column.has_default() and column.default != "":
        schema["default"] = column.default
    if field.examples:
        schema["examples"] = list(field.examples)
    return nullable(schema) if column.null else schema


def _sent(schema: Schema) -> Schema:
    return schema if isinstance(schema["type"], list) else nullable(schema)


ANSWERED = {field.name: described(field) for field in PLAIN}
# Null counts as absent.
SENT = {name: _sent(schema) for name, schema in ANSWERED.items()}
