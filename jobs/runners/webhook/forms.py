"""The options of a webhook job."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, NotRequired, TypedDict

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduler_site.rest.schema_types import Rules, one_of

from ..addresses import AddressRefused, check_url, parse_url
from ..base import OptionsForm, StrictJSONField
from .headers import clean_headers

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
METHOD_CHOICES = [
    ("", _("Default (GET; POST if parameters are set)")),
    *((method, method) for method in METHODS),
]
BODILESS = ("GET", "HEAD")
MAX_BODY = 1 << 20  # bytes
MAX_EXPECTED = 10_000  # characters of JSON
_LINE_END = re.compile(r"\r\n|\r|\n")
NO_PRIVATE: tuple[str, ...] = ()
FASTEST_CONNECT, SLOWEST_CONNECT = 0.1, 300  # seconds
TargetUrl = Annotated[
    str,
    "What a webhook calls: GET, or POST with the metadata when there is any. `owner/repo/workflow` means a workflow.",
    Rules(examples=["https://example.com/backup"]),
]


class WebhookOptions(TypedDict):
    """Of a webhook."""

    target_url: TargetUrl
    method: NotRequired[Annotated[str, "The method, where it is not the usual one.", one_of(METHODS)]]
    headers: NotRequired[
        Annotated[
            dict[str, Annotated[str, "The value."]],
            "Headers to send. Those that nobody may see belong into the secret `headers`, a JSON object as a text.",
        ]
    ]
    body: NotRequired[Annotated[Any, "What to send: a text as it is, or any JSON value."]]
    connect_timeout: NotRequired[
        Annotated[
            float,
            "Seconds until there must be a connection.",
            Rules(minimum=FASTEST_CONNECT, maximum=SLOWEST_CONNECT),
        ]
    ]
    success_codes: NotRequired[
        Annotated[
            str,
            "The statuses that count as success, where not all of 2xx.",
            Rules(examples=["200-299,304"]),
        ]
    ]
    follow_as_get: NotRequired[
        Annotated[bool, "Whether a POST that is answered by 301 or 302 goes on as GET, without its body."]
    ]
    answer_contains: NotRequired[Annotated[str, "A text that must be in the first MiB of the answer."]]
    answer_lacks: NotRequired[Annotated[str, "A text that must not be in the answer."]]
    answer_json: NotRequired[
        Annotated[
            dict[str, Annotated[Any, "The value."]],
            "What a JSON answer must hold: paths such as `items.0.id`, and values.",
        ]
    ]
    answer_json_lacks: NotRequired[
        Annotated[
            dict[str, Annotated[Any, "The value."]], "What a JSON answer must not hold, in the same way."
        ]
    ]


class HeadersField(StrictJSONField):
    """A JSON object, or text with one `Name: value` per line."""

    default_error_messages = {"object": _("Headers are an object of names and values.")}

    def to_python(self, value: Any) -> dict[str, str] | None:  # type: ignore[override]
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith(("{", "[")):
            value = self._of_lines(value)
        headers = super().to_python(value)
        if headers is None:
            return None
        if not isinstance(headers, dict):
            raise ValidationError(self.error_messages["object"], code="object")
        return clean_headers(headers)

    def _of_lines(self, text: str) -> dict[str, str]:
        pairs = [line.partition(":")[::2] for line in _LINE_END.split(text) if line.strip()]
        names = [name.strip().lower() for name, _value in pairs]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValidationError(_("The header “%(name)s” is given twice.") % {"name": twice[:100]})
        return dict(pairs)


class BodyField(forms.Field):
    """Text, sent as it is, or a JSON value."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        try:
            size = len(body_bytes(value))
        except (TypeError, ValueError, RecursionError) as problem:
            raise ValidationError(_("The body must be text or a JSON value.")) from problem
        if size > MAX_BODY:
            raise ValidationError(_("The body is larger than %(limit)d bytes.") % {"limit": MAX_BODY})
        return value


class SuccessCodesField(forms.Field):
    """Statuses and ranges: `200-299, 304`, or a list of numbers; kept as text."""

    def to_python(self, value: Any) -> str:
        if value in self.empty_values:
            return ""
        parts = value if isinstance(value, list) else str(value).split(",")
        text = ",".join(str(part).replace(" ", "") for part in parts)
        try:
            success_ranges(text)
        except ValueError as problem:
            raise ValidationError(_("Success codes look like 200-299,304.")) from problem
        return text


class AnswerField(StrictJSONField):
    """What must stand where in a JSON answer: an object of paths and values."""

    def to_python(self, value: Any) -> dict[str, Any] | None:  # type: ignore[override]
        expected = super().to_python(value)
        if expected is None:
            return None
        if not isinstance(expected, dict) or not all(expected):
            raise ValidationError(_("Write an object of paths and values."))
        if len(json.dumps(expected)) > MAX_EXPECTED:
            raise ValidationError(_("This is longer than %(limit)d characters.") % {"limit": MAX_EXPECTED})
        return expected


class WebhookForm(OptionsForm):
    """Everything but the URL is optional."""

    described = WebhookOptions

    target_url = forms.CharField(label=_("URL"))
    method = forms.ChoiceField(label=_("method"), required=False, choices=METHOD_CHOICES)
    headers = HeadersField(label=_("headers"), required=False)
    body = BodyField(label=_("body"), required=False)
    connect_timeout = forms.FloatField(
        label=_("connect timeout (s)"), required=False, min_value=FASTEST_CONNECT, max_value=SLOWEST_CONNECT
    )
    success_codes = SuccessCodesField(label=_("success codes"), required=False)

    follow_as_get = forms.BooleanField(
        label=_("follow 301 and 302 after a POST (as GET without the body)"), required=False
    )
    answer_contains = forms.CharField(
        label=_("response must contain"), required=False, max_length=1000, strip=False
    )
    answer_lacks = forms.CharField(
        label=_("response must not contain"), required=False, max_length=1000, strip=False
    )
    answer_json = AnswerField(
        label=_("response must have (JSON)"),
        required=False,
        help_text=_('Paths and values, such as {"status": "ok", "items.0.id": 7}.'),
    )
    answer_json_lacks = AnswerField(label=_("response must not have (JSON)"), required=False)

    def options(self) -> dict[str, Any]:
        """An empty list or object that was given as the body is a body: `[]` and `{}` are sent as they are."""
        body = self.cleaned_data["body"]
        return super().options() | ({"body": body} if body in ([], {}) else {})

    def clean_target_url(self) -> str:
        url: str = self.cleaned_data["target_url"]
        try:
            if self.allow_private:
                parse_url(url)
            else:
                check_url(url, NO_PRIVATE if self.allow_private is False else settings.WEBHOOK_ALLOWED_HOSTS)
        except AddressRefused as refusal:
            raise ValidationError(str(refusal)) from refusal
        return url

    def clean_follow_as_get(self) -> bool | None:
        """Not chosen is not stored: an unchecked box and an absent key are the same job."""
        return self.cleaned_data["follow_as_get"] or None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("method") in BODILESS and cleaned.get("body") not in (None, ""):
            self.add_error("body", ValidationError(_("GET and HEAD requests carry no body.")))
        return cleaned


def body_bytes(body: Any) -> bytes:
    """A body option as it is sent; ValueError for what JSON cannot say (NaN, lone surrogates)."""
    text = body if isinstance(body, str) else json.dumps(body, allow_nan=False)
    return text.encode()


def success_ranges(text: str) -> tuple[range, ...]:
    """`200-299,304` as ranges; ValueError for anything but statuses from 100 to 599."""
    return tuple(_success_range(part) for part in text.split(","))


def _success_range(part: str) -> range:
    match = re.fullmatch(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", part, re.ASCII)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise ValueError(part)
    return range(int(match[1]), int(match[2] or match[1]) + 1)
