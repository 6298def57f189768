"""The fields of a job that are sent and answered as they are stored, in the words of the API's document."""

from __future__ import annotations

from jobs.models.fields import PLAIN, JobField
from jobs.models.shapes import bounds_of, column_of, shape_of
from scheduler_site.openapi.shapes import Schema, nullable

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
