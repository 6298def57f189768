"""The sections that the navigation leads to: `{% load sections %}`."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from django import template
from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

SECTIONS: list[tuple[str, str | Promise]] = [
    ("dashboard", _("Dashboard")),
    ("jobs", _("Jobs")),
    ("executions", _("Executions")),
    ("incidents", _("Incidents")),
    ("environments", _("Environments")),
    ("people", _("People")),
]
if settings.THEMES_ENABLED:
    SECTIONS.append(("registry", _("Themes")))


class Section(NamedTuple):
    name: str
    label: str | Promise
    url: str


@register.simple_tag
def all_sections() -> list[Section]:
    return _at(get_script_prefix())


@register.filter
def section_of(path: str) -> str:
    """The name of the section to which a page belongs; empty for a page of none."""
    return next((name for name, _label, url in all_sections() if _is_within(path, url)), "")


@cache
def _at(_prefix: str) -> list[Section]:
    return [Section(name, label, reverse(name)) for name, label in SECTIONS]


def _is_within(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(f"{url}/"))
