"""The options of a script job: pages send lines of text, APIs lists and objects of texts."""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Mapping
from typing import Annotated, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_site.rest.schema_types import Rules

from ..limits import LimitedForm, LimitOptions
from .paths import PathRefused, allowed
from .requirements import RequirementRefused, parse
from .variables import is_name, is_reserved

MAX_ARGUMENTS = 1000
MAX_VARIABLES = 500
MAX_SIZE = 64 * 1024  # bytes of all arguments, and of all variables
MAX_REQUIREMENTS = 64 * 1024  # characters
MAX_PATH = 4096
_LINE_END = re.compile(r"\r\n|\r|\n")


class ScriptOptions(LimitOptions, total=False):
    """Of a Python script: its text, or the path of its file."""

    script: Annotated[str, "The text, kept as it is sent; in UTF-8 at most SCRIPT_MAX_BYTES."]
    path: Annotated[
        str,
        "The path of a file on the server, below one of SCRIPT_DIRECTORIES.",
        Rules(maxLength=MAX_PATH),
    ]
    arguments: Annotated[
        list[Annotated[str, "An argument."]],
        "What it gets in `sys.argv`.",
        Rules(maxItems=MAX_ARGUMENTS),
    ]
    variables: Annotated[dict[str, Annotated[str, "The value."]], "Environment variables to set."]
    requirements: Annotated[
        str, "What must be installed in its environment: requirement lines as pip reads them."
    ]


def _size(text: str) -> int:
    """Bytes in UTF-8. Raises ValidationError for what no file and no program could take."""
    if "\0" in text:
        raise ValidationError(_("Null characters are not allowed."))
    try:
        return len(text.encode())
    except UnicodeEncodeError as problem:
        raise ValidationError(_("The text contains characters that cannot be stored.")) from problem


class ScriptField(forms.Field):
    """The text of a script, kept as it was written: blanks, line ends and a byte order mark included."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ValidationError(_("The script must be text."))
        if (size := _size(value)) > (limit := settings.SCRIPT_MAX_BYTES):
            raise ValidationError(
                _("The script has %(size)d bytes; the limit is %(limit)d.") % {"size": size, "limit": limit}
            )
        if not value.isascii() and (encoding := _other_encoding(value)):
            text = _(
                "The script declares the encoding %(encoding)s, but it is stored as UTF-8. Change the declaration."
            )
            raise ValidationError(text % {"encoding": encoding})
        return value


def _other_encoding(text: str) -> str:
    """The encoding of PEP 263 that a script names and is not kept in; what Python itself refuses is left to its run."""
    try:
        encoding, _lines = tokenize.detect_encoding(io.BytesIO(text.encode()).readline)
    except SyntaxError:
        return ""
    return "" if encoding in ("utf-8", "utf-8-sig") else encoding


class LinesField(forms.Field):
    """A list of texts: JSON, or one in a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        plain = all(isinstance(text, str) and text and not re.search(r"[\r\n]", text) for text in value)
        if plain and not (value and value[0].lstrip().startswith("[")):
            return "\n".join(value)
        return json.dumps(value, ensure_ascii=False)

    def to_python(self, value: Any) -> list[str]:
        texts = _lines(value) if isinstance(value, str) else value
        if texts in self.empty_values:
            return []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValidationError(_("Arguments must be a list of texts."))
        if len(texts) > MAX_ARGUMENTS:
            raise ValidationError(_("There are more than %(limit)d arguments.") % {"limit": MAX_ARGUMENTS})
        if sum(map(_size, texts)) > MAX_SIZE:
            raise ValidationError(_("The arguments are larger than %(limit)d bytes.") % {"limit": MAX_SIZE})
        return texts


def _lines(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # an argument may begin like that
    return [line for line in _LINE_END.split(text) if line]


class VariablesField(forms.Field):
    """An object of texts: JSON, or `NAME=value` in each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if all(isinstance(text, str) and not re.search(r"[\r\n]", text) for text in value.values()):
            return "\n".join(f"{name}={text}" for name, text in value.items())
        return json.dumps(value, ensure_ascii=False)

    def to_python(self, value: Any) -> dict[str, str]:
        variables = _pairs(value) if isinstance(value, str) else value
        if variables in self.empty_values:
            return {}
        if not isinstance(variables, Mapping) or not all(
            isinstance(text, str) for text in variables.values()
        ):
            raise ValidationError(_("Variables must be an object of names and texts."))
        if len(variables) > MAX_VARIABLES:
            raise ValidationError(_("There are more than %(limit)d variables.") % {"limit": MAX_VARIABLES})
        for name in variables:
            check_name(str(name))
        if sum(len(str(name)) + _size(text) for name, text in variables.items()) > MAX_SIZE:
            raise ValidationError(_("The variables are larger than %(limit)d bytes.") % {"limit": MAX_SIZE})
        return dict(variables)


def check_name(name: str) -> None:
    """Of a variable, or of a secret that becomes one. Raises ValidationError."""
    if not is_name(name):
        text = _(
            "“%(name)s” is not a valid variable name. Use letters, digits and underscores; the first character is not a digit."
        )
        raise ValidationError(text % {"name": name[:100]})
    if is_reserved(name):
        text = _("The variable %(name)s is reserved for Belfry or the environment.")
        raise ValidationError(text % {"name": name})


def _pairs(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise ValidationError(_("Variables must be an object of names and texts.")) from problem
    variables: dict[str, str] = {}
    for line in filter(str.strip, _LINE_END.split(text)):
        name, sign, value = line.partition("=")
        name = name.strip()
        if not sign:
            raise ValidationError(_("Enter one variable per line, as NAME=value."))
        if name in variables:
            raise ValidationError(_("The variable %(name)s is set twice.") % {"name": name[:100]})
        variables[name] = value
    return variables


class RequirementsField(forms.Field):
    """Requirement lines, kept as they were written."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        if value in self.empty_values:
            return ""
        if not isinstance(value, str):
            raise ValidationError(_("Requirements must be text, one per line."))
        _size(value)
        if len(value) > MAX_REQUIREMENTS:
            raise ValidationError(
                _("The requirements are longer than %(limit)d characters.") % {"limit": MAX_REQUIREMENTS}
            )
        try:
            parse(value)
        except RequirementRefused as refusal:
            raise ValidationError(str(refusal)) from refusal
        return value if value.strip() else ""


class ScriptForm(LimitedForm):
    """The script's text or its path; all else is optional."""

    described = ScriptOptions
    kind = "script"

    script = ScriptField(label=_("Script"), required=False)
    path = forms.CharField(
        label=_("Path"),
        required=False,
        max_length=MAX_PATH,
        strip=False,
        help_text=_("A script file on the server, in an allowed directory, instead of the text."),
    )
    arguments = LinesField(label=_("Arguments"), required=False, help_text=_("One per line, or a JSON list."))
    variables = VariablesField(
        label=_("Environment variables"),
        required=False,
        help_text=_("NAME=value, one per line, or a JSON object."),
    )
    requirements = RequirementsField(
        label=_("Requirements"),
        required=False,
        help_text=_("One per line, for example pandas>=2.1. The run does not start if one is not installed."),
    )

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"]
        if path:
            try:
                allowed(path)
            except PathRefused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return path

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        script, path = cleaned.get("script"), cleaned.get("path")
        if script is not None and path is not None:
            if script.strip() and path:
                self.add_error("path", ValidationError(_("Enter a script or a path, not both.")))
            elif not script.strip() and not path:
                self.add_error("script", ValidationError(_("Enter a script or the path of one.")))
            elif path:
                cleaned["script"] = ""
        return cleaned
