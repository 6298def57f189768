"""What a browser makes of the HTML of a form, and sends when its button is pressed (HTML Standard, 4.10.21 and 4.10.22)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.http import QueryDict

_END = re.compile(r"\r\n|\r|\n")
# Fields whose value has no line ends, and those that send nothing by themselves.
_SILENT = ("submit", "button", "file", "reset", "image")


class _Form(HTMLParser):
    """The fields of the form that holds a field called `inside`, in their order."""

    def __init__(self, inside: str) -> None:
        super().__init__()
        self.inside = inside
        self.forms: list[list[tuple[str, str]]] = [[]]
        self.textarea: str | None = None
        self.text = ""
        self.select: str | None = None
        self.options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self.forms.append([])
        elif "disabled" in given or (tag in ("input", "textarea", "select") and not name):
            return
        elif tag == "input":
            self._input(name, given)
        elif tag == "textarea":
            self.textarea, self.text = name, ""
        elif tag == "select":
            self.select, self.options = name, []
        elif tag == "option" and self.select is not None:
            self.options.append((given.get("value") or "", "selected" in given))

    def _input(self, name: str, given: dict[str, str | None]) -> None:
        kind = given.get("type") or "text"
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self._add(name, given.get("value") or "on")
        elif kind not in _SILENT:
            value = given.get("value") or ""
            if kind == "datetime-local":
                value = re.sub(r"(T\d\d:\d\d):00(\.0+)?$", r"\1", value)  # in its shortest form (2.3.5.5)
            self._add(name, value if kind == "hidden" else _END.sub("", value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.textarea is not None:
            # One line end right after the tag is none of its text.
            text = _END.sub("\n", self.text)
            self._add(self.textarea, text.removeprefix("\n").replace("\n", "\r\n"))
            self.textarea = None
        elif tag == "select" and self.select is not None:
            chosen = [value for value, selected in self.options if selected] or [self.options[0][0]]
            self._add(self.select, chosen[0])
            self.select = None
        elif tag == "form":
            self.forms.append([])

    def handle_data(self, data: str) -> None:
        if self.textarea is not None:
            self.text += data

    def _add(self, name: str, value: str) -> None:
        self.forms[-1].append((name, value))


def as_sent(html: str, inside: str) -> QueryDict:
    """What is sent of the form that has a field of this name, as it stands on the page."""
    parser = _Form(inside)
    parser.feed(html)
    parser.close()
    found = next(fields for fields in parser.forms if inside in dict(fields))
    sent = QueryDict(mutable=True)
    for name, value in found:
        sent.appendlist(name, value)
    return sent
