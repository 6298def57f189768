"""How request bodies are read: of limited size (1 MiB, or what scripts need), and nothing that could not be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict
from rest_framework.parsers import BaseParser, FormParser

from scheduler_site.lib import strict_json
from scheduler_site.rest.errors import BARE, ApiError, max_body, too_large
from scheduler_site.rest.query import refuse_odd_texts


def _read(stream: Any, context: Mapping[str, Any] | None) -> bytes:
    request: HttpRequest | None = (context or {}).get("request")
    declared = request.META.get("CONTENT_LENGTH") if request else ""
    if str(declared or "").isdigit() and int(declared or 0) > max_body():
        raise too_large()
    body: bytes = stream.read(max_body() + 1)
    if len(body) > max_body():
        raise too_large()
    return body


class StrictJSONParser(BaseParser):
    """JSON of limited size that can be stored anywhere; see `strict_json.loads`."""

    media_type = "application/json"

    def __init__(self) -> None:
        self.repeated: list[str] = []  # keys that were given more than once

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return strict_json.loads(_read(stream, parser_context), self.repeated)
        except strict_json.InvalidJSON as error:
            raise ApiError(400, "Invalid JSON", BARE) from error
        except strict_json.UnacceptableValue as error:
            raise ApiError(400, "Invalid payload", str(error)) from error


class StrictFormParser(FormParser):
    """A form of limited size, for the one route that takes one."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            form = QueryDict(_read(stream, parser_context), encoding="utf-8")
        except (SuspiciousOperation, ValueError) as error:
            raise ApiError(400, "Invalid payload", "The form cannot be read.") from error
        refuse_odd_texts(form)
        return form
