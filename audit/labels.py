"""Labels of model names, field names and surfaces in the reader's language."""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

SURFACES: dict[str, str | Promise] = {
    "page": pgettext_lazy("surface", "page"),
    "api": "API",
    "v1": "API v1",
    "themes": gettext_lazy("theme registry"),
    "conda": "Conda Task Manager API",
    "admin": pgettext_lazy("surface", "admin site"),
    "command": pgettext_lazy("surface", "command"),
    "import": pgettext_lazy("surface", "import"),
    "system": pgettext_lazy("surface", "system"),
}


def kind_name(kind: str) -> str:
    """What objects of this kind (a model's name) are called; the kind itself where it is not known any more."""
    model = _models().get(kind)
    return str(model._meta.verbose_name or kind) if model else kind


def field_name(kind: str, field: str) -> str:
    """What forms call a field of such an object; empty where it is no column, but a part of one (`options.method`).

    Entries hold the name of the field, or that of its column where the field has got another name since.
    """
    model = _models().get(kind)
    columns = (*model._meta.concrete_fields, *model._meta.many_to_many) if model else ()
    found = next((column for column in columns if field in (column.name, column.column)), None)
    return str(found.verbose_name) if found else ""


def surface_name(surface: str) -> str:
    """A surface in the reader's language; an unknown one as it is stored."""
    return str(SURFACES.get(surface, surface))


@cache
def _models() -> dict[str, type[Model]]:
    return {model._meta.model_name or "": model for model in apps.get_models()}
