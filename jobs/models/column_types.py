"""The type and bounds of a job's field, read from its column, for surfaces without a form field for it."""

from __future__ import annotations

from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from jobs.models.fields import NAMES, JobField
from jobs.models.job import Job

Shape = Literal["text", "number", "flag", "choice"]


def column_of(name: str) -> models.Field[Any, Any]:
    """The column of a job's field. Raises ImproperlyConfigured where `fields.py` names one that is not there."""
    found = Job._meta.get_field(name)
    if not isinstance(found, models.Field):
        raise ImproperlyConfigured(f"Job.{name} is no column.")
    return found


def shape_of(field: JobField) -> Shape:
    """How its values are read and described. A column of another type needs a form of its own: `own=True`."""
    column = column_of(field.name)
    match column:
        case models.BooleanField():
            return "flag"
        case models.IntegerField():
            return "number"
        case models.CharField():
            return "choice" if column.choices else "text"
    raise ImproperlyConfigured(f"Job.{field.name} needs a form of its own on the surfaces (own=True).")


def bounds_of(field: JobField) -> dict[str, int]:
    """`minimum` and `maximum`, as far as the model has them."""
    names = {MinValueValidator: "minimum", MaxValueValidator: "maximum"}
    # Not `validators`: that adds what the database can hold.
    found = column_of(field.name)._validators  # type: ignore[attr-defined]
    return {names[type(one)]: one.limit_value for one in found if type(one) in names}


def references() -> tuple[str, ...]:
    """The names of the foreign keys."""
    return tuple(name for name in NAMES if column_of(name).is_relation)
