"""A value that was shown masked and is sent back masked keeps the stored value."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_site.lib import credentials


class HiddenValue(ValidationError):
    """A mask that stands for nothing that is stored."""


def without_masks(value: dict[str, Any], stored: Any) -> dict[str, Any]:
    """With what is stored (None: nothing is) where a mask came back. Raises HiddenValue for one that stands for nothing."""
    known: dict[str, Any] = credentials.unmasked(value, stored)
    if left := credentials.masks_left(known):
        text = _("%(path)s: this stands for a hidden value. Write the value itself.")
        raise HiddenValue(text % {"path": left[0]})
    return known
