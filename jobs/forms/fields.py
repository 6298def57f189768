"""Fields of the job form that Django does not have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Model

from jobs.forms.unchanged_fields import LINE_END


class LinesField(forms.CharField):
    """Lines for people to read: browsers end them with CR LF, which would count as two characters."""

    def to_python(self, value: Any) -> str:
        return super().to_python(LINE_END.sub("\n", str(value)) if value is not None else value) or ""


class GivenRow(forms.Field):
    """A row that was read and judged elsewhere."""

    def __init__(self, row: Model | None) -> None:
        super().__init__(required=False)
        self.row = row

    def clean(self, value: Any) -> Any:
        return self.row
