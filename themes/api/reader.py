"""From a JSON body to values that the models take: types strictly as JSON has them, all else by the fields' own validators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from scheduler_site.lib.strict_json import problem_of
from themes.models import CourseEntry, Traced

from ..errors import Invalid

Model = type[Traced]
MISSING = object()


def required(model: Model, body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Raises Invalid for what is missing or null."""
    return {name: _clean(model, name, _present(body, name)) for name in names}


def optional(model: Model, body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those that are there and not null: for a new object the others have their defaults, a stored one keeps them."""
    return {name: _clean(model, name, body[name]) for name in names if body.get(name) is not None}


def text(model: Model, name: str, value: Any) -> str:
    """A text for a field of the model, wherever it comes from. Raises Invalid."""
    return str(_clean(model, name, value))


def entry_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of an entry: what is left out has its default."""
    values: dict[str, Any] = {"week_numbers": None, "is_most_relevant": False}
    values |= required(CourseEntry, body, "indicator_value")
    return values | optional(CourseEntry, body, ("week_numbers", "is_most_relevant"))


def semester(body: Mapping[str, Any], name: str = "school_year_semester") -> str:
    return str(_clean(CourseEntry, "school_year_semester", _present(body, name), name))


def _present(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    if value is None:
        raise Invalid(name, _("This is required."))
    return value


def _clean(model: Model, name: str, value: Any, called: str = "") -> Any:
    field: models.Field[Any, Any] = model._meta.get_field(name)  # type: ignore[assignment]
    if problem := _wrong_type(field, value):
        raise Invalid(called or name, problem)
    try:
        return field.clean(value, None)
    except ValidationError as error:
        raise Invalid(called or name, " ".join(error.messages)) from error


def _wrong_type(field: models.Field[Any, Any], value: Any) -> str:
    if isinstance(field, models.CharField | models.TextField):
        if not isinstance(value, str):
            return _("This must be a text.")
        return _("This contains a character that cannot be stored.") if problem_of(value) else ""
    if isinstance(field, models.BooleanField):
        return "" if isinstance(value, bool) else _("This must be true or false.")
    if isinstance(field, models.IntegerField):
        return "" if type(value) is int else _("This must be a whole number.")
    if isinstance(field, models.JSONField):
        return "" if isinstance(value, list) else _("This must be a list.")
    return ""
