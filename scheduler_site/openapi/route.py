"""The decorator `route`: what a view adds to the API's document. The rest follows from types and permissions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from scheduler_site.openapi.json_schema import Schema, in_one_line, schema_of
from scheduler_site.rest.parameters import Parameter, Words
from scheduler_site.rest.schema_types import Detail, Error, Faults, Refusal, Warnings

Method = TypeVar("Method", bound=Callable[..., Any])
JSON = "application/json"
# Marks a body that may be left out; it is gone in the document.
OPTIONAL_BODY = "x-optional"


def route(
    name: str,
    good: str,
    refusals: Mapping[int, str | tuple[str, Any]] | None = None,
    *,
    query: Iterable[Parameter] = (),
    headers: Iterable[Parameter] = (),
    response_headers: Iterable[Parameter] = (),
    request: Any = None,
    optional: bool = False,
    request_media: str = JSON,
    response: Any = None,
    response_media: str = JSON,
    examples: Mapping[str, Any] | None = None,
) -> Callable[[Method], Method]:
    """A decorator for the method of a view, whose docstring is the summary and, after a blank line, what else is to be said.

    `good` describes the answer. Its status and schema are in the type that the method returns (`Answer[...]`), or in
    `response` where it is not JSON. `refusals`: by status, those beside the usual, with a type where it is not the usual one.
    `request`: the type of the body, which may be left out when it is `optional`.
    """
    query = list(query)

    def described(method: Method) -> Method:
        summary, about = _told(method)
        status, schema = (200, schema_of(response)) if response else _answered(method)
        parameters = [
            *(_parameter(one, "query") for one in query),
            *(_parameter(one, "header") for one in headers),
            *(_parameter(one, "header", [status]) for one in response_headers),
        ]
        body = schema_of(request) | ({OPTIONAL_BODY: True} if optional else {}) if request else None
        decorate = extend_schema(
            operation_id=name,
            summary=summary,
            description=about,
            parameters=parameters,
            request={request_media: body} if body else None,
            responses={
                (status, response_media): OpenApiResponse(_with_warnings(schema), good),
                **{(code, JSON): _refusal(code, told) for code, told in (refusals or {}).items()},
            },
            examples=[
                OpenApiExample(label, value=value, request_only=True, media_type=request_media)
                for label, value in (examples or {}).items()
            ],
        )
        decorated: Any = decorate(method)
        # What a request holds beside these is named in the answer (scheduler_site/rest/unknown_keys.py).
        decorated.request_schema, decorated.query = body, frozenset(one.name for one in query)
        decorated.words = tuple(one for one in query if isinstance(one, Words))
        return decorated  # type: ignore[no-any-return]

    return described


def _told(method: Callable[..., Any]) -> tuple[str, str]:
    first, _, rest = inspect.cleandoc(method.__doc__ or "").partition("\n\n")
    summary = in_one_line(first)
    return summary.removesuffix("."), in_one_line(rest) or summary


def _answered(method: Callable[..., Any]) -> tuple[int, Schema]:
    """The status and the body of what the method returns: `-> Created[JobCreated]`."""
    answer = get_type_hints(method, include_extras=True)["return"]
    return answer.__origin__.status_code, schema_of(get_args(answer)[0])


def _with_warnings(schema: Schema) -> Schema:
    """What every good answer may have beside its own keys."""
    if "warnings" in schema.get("properties", ("warnings",)):
        return schema
    return schema | {"properties": schema["properties"] | {"warnings": schema_of(Warnings)}}


def _parameter(one: Parameter, place: Literal["query", "header"], response: Any = False) -> OpenApiParameter:
    return OpenApiParameter(one.name, one.schema, place, description=one.about, response=response)


def _refusal(status: int, told: str | tuple[str, Any]) -> OpenApiResponse:
    about, kind = told if isinstance(told, tuple) else (told, None)
    return OpenApiResponse(schema_of(kind) if kind else usual(status), about)


def usual(status: int) -> Schema:
    """The shape of a refusal with this status."""
    shapes: dict[int, Any] = {401: Detail, 403: Refusal, 404: Refusal, 422: Faults, 429: Detail}
    return schema_of(shapes.get(status, Error))
