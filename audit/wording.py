"""What entries hold in words of programs, in the reader's language."""

from __future__ import annotations

from functools import cache

from django.apps import apps
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
    return str(_names().get(kind, kind))


def surface_name(surface: str) -> str:
    return str(SURFACES.get(surface, surface))


@cache
def _names() -> dict[str, str | Promise]:
    return {model._meta.model_name or "": model._meta.verbose_name or "" for model in apps.get_models()}
