"""A field that comes back from a page unchanged keeps its stored value: it is not parsed or converted again.

A form turns values into text: JSON into its source, no value into an empty field, line ends into those of browsers. So that
opening a page and saving it changes nothing, the stored value stays if the text that comes back is the text that was shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms

# What a browser takes for the end of a line, and nothing else (not str.splitlines).
LINE_END = re.compile(r"\r\n|\r|\n")


def is_untouched(shown: forms.BoundField, sent: Any) -> bool:
    """Whether `sent` is what a browser makes of a field of an unbound form."""
    widget, value = shown.field.widget, shown.value()
    if isinstance(widget, forms.CheckboxInput):
        return bool(sent) == widget.check_test(value)
    text = widget.format_value(value)
    if isinstance(text, list):  # of a choice
        text = text[0] if text else ""
    return same_text(text, sent, lines=isinstance(widget, forms.Textarea))


def same_text(shown: Any, sent: Any, *, lines: bool) -> bool:
    """Whether a browser sends one for the other: `lines` in a textarea, else in a field without line ends (HTML, 4.10.5.1)."""
    end = "\n" if lines else ""
    texts = ["" if text is None else LINE_END.sub(end, str(text)) for text in (shown, sent)]
    return texts[0] == texts[1]


def options_kept(form: forms.Form, stored: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The stored options whose fields came back in `data` unchanged."""
    sent = {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name))
        for name, field in form.fields.items()
    }
    return {
        name: value for name, value in stored.items() if name in sent and is_untouched(form[name], sent[name])
    }
