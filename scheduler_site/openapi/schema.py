"""The words in which apps describe their routes (`<app>/schema.py`): JSON Schema in small pieces, and routes made of them.

OpenAPI 3.1, hence JSON Schema 2020-12. What every route has in common (refusals, credentials, ids in paths) is added by
`scheduler_site/openapi/routes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

Schema = dict[str, Any]
# A status with what it means, and the body where it is not the usual one.
Answers = Mapping[int, str | tuple[str, Schema]]
Route = dict[str, Any]
Place = Literal["query", "header"]

# Marks a schema that becomes a component of this name, and a body that may be left out; both are gone in the document.
COMPONENT, OPTIONAL_BODY = "x-component", "x-optional"


def text(about: str, **rules: Any) -> Schema:
    return {"type": "string", "description": about} | rules


def whole(about: str, **rules: Any) -> Schema:
    return {"type": "integer", "description": about} | rules


def number(about: str, **rules: Any) -> Schema:
    return {"type": "number", "description": about} | rules


def flag(about: str, **rules: Any) -> Schema:
    return {"type": "boolean", "description": about} | rules


def word(about: str, values: Iterable[str], **rules: Any) -> Schema:
    """One of some words."""
    return text(about, enum=list(values), **rules)


def constant(value: str) -> Schema:
    """A message that is always the same."""
    return {"type": "string", "description": f"Always `{value}`.", "const": value}


def uid(about: str) -> Schema:
    return text(about, format="uuid")


def day(about: str) -> Schema:
    return text(about, format="date", examples=["2026-12-31"])


def moment(about: str) -> Schema:
    """With an offset (RFC 3339)."""
    return text(about, format="date-time", examples=["2026-01-02T03:04:05.678Z"])


def stamp(about: str) -> Schema:
    """UTC without saying so: the format of `created_at` and `updated_at`."""
    pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"
    return text(f"{about} UTC, without an offset.", pattern=pattern, examples=["2026-01-02T03:04:05.678901"])


def listing(about: str, items: Schema, **rules: Any) -> Schema:
    return {"type": "array", "description": about, "items": items} | rules


def mapping(about: str, values: Schema | None = None) -> Schema:
    """An object with keys of anybody's choice."""
    return {"type": "object", "description": about, "additionalProperties": values or {}}


def anything(about: str) -> Schema:
    return {"description": about}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if isinstance(schema.get("type"), list):
        return schema
    if COMPONENT in schema or "type" not in schema:
        return {"description": schema["description"], "anyOf": [schema, {"type": "null"}]}
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | values


def answer(name: str, about: str, properties: Mapping[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """An object of answers, which has all its properties but the optional ones. Without a name it stays in its place."""
    left_out = set(optional)
    return _object(name, about, properties) | {"required": [key for key in properties if key not in left_out]}


def body(name: str, about: str, properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """An object of requests, in which unknown keys are ignored."""
    needed = list(required)
    return _object(name, about, properties) | ({"required": needed} if needed else {})


def _object(name: str, about: str, properties: Mapping[str, Schema]) -> Schema:
    marker = {COMPONENT: name} if name else {}
    return marker | {"type": "object", "description": about, "properties": dict(properties)}


def either(about: str, *schemas: Schema) -> Schema:
    return {"description": about, "anyOf": list(schemas)}


# The three shapes of refusals --------------------------------------------------------------------------------------------

DETAIL = answer(
    "Detail", "A refusal of the router, or about the account.", {"detail": text("What is wrong.")}
)
ERROR = answer(
    "Error",
    "A refusal of the request: a label that programs may compare, and the reason in words.",
    {
        "error": text("The label.", examples=["Invalid cron expression"]),
        "message": text("The reason, for people."),
        "fields": mapping("The reasons by field.", text("The reason.")),
        "missing_fields": listing("The keys that the body lacks.", text("A key.")),
    },
    optional=("message", "fields", "missing_fields"),
)
FAULTS = answer(
    "Faults",
    "Values that break the declared type of a parameter or field.",
    {
        "detail": listing(
            "The faults.",
            answer(
                "Fault",
                "One value, and what is wrong with it.",
                {
                    "type": text("The kind of fault.", examples=["greater_than_equal"]),
                    "loc": listing("Where: `query` or `body`, then the name.", text("A step of the way.")),
                    "msg": text("What is wrong, in words."),
                    "input": anything("The value as it was sent; null when it is missing."),
                    "ctx": mapping("The bounds that it broke."),
                },
                optional=("ctx",),
            ),
        )
    },
)
EITHER = either("One of the two shapes of a refusal.", ERROR, DETAIL)


WARNINGS = listing("What was given and has no effect; only where there is anything.", text("A sentence."))
IF_MATCH = {
    "If-Match": text(
        "The `ETag` of what was read (its `updated_at` in quotes), where only that shall be changed."
    )
}
CHANGED = (
    "It is not as `If-Match` says: somebody else has changed it. Without that header the last change counts."
)


# Routes ------------------------------------------------------------------------------------------------------------------


def route(
    name: str,
    summary: str,
    tag: str,
    answers: Answers,
    *,
    about: str = "",
    query: Mapping[str, Schema] | None = None,
    headers: Mapping[str, Schema] | None = None,
    told: Mapping[str, Schema] | None = None,
    takes: Schema | None = None,
    optional: bool = False,
    media: str = "application/json",
    gives: str = "application/json",
    examples: Mapping[str, Any] | None = None,
) -> Any:
    """A decorator for the method of a view. What a request holds beside `query` and `takes` is named in the answer.

    `answers`: by status, of good ones and of refusals beside the usual; `takes`: the body of the request, of the type `media`;
    `headers` of the request, `told`: those of a good answer.
    """
    parameters = [
        *(_parameter(name, schema, "query") for name, schema in (query or {}).items()),
        *(_parameter(name, schema, "header") for name, schema in (headers or {}).items()),
        *(_parameter(name, schema, "header", [200]) for name, schema in (told or {}).items()),
    ]
    # A body that is a good answer and a refusal is one component.
    refused = [told[1:] for status, told in answers.items() if status >= 300 and isinstance(told, tuple)]
    described = extend_schema(
        operation_id=name,
        summary=summary,
        description=about or f"{summary}.",
        tags=[tag],
        parameters=parameters,
        request={media: takes | ({OPTIONAL_BODY: True} if optional else {})} if takes else None,
        responses={
            (status, gives if status < 300 else "application/json"): _response(
                status, told, shared=told[1:] in refused
            )
            for status, told in answers.items()
        },
        examples=[
            OpenApiExample(label, value=value, request_only=True, media_type=media)
            for label, value in (examples or {}).items()
        ],
    )

    def decorate(method: Any) -> Any:
        method = described(method)
        method.takes, method.query = takes, frozenset(query or ())
        return method

    return decorate


def _parameter(
    name: str, schema: Schema, place: Place, response: Sequence[int | str] = ()
) -> OpenApiParameter:
    rules = {key: rule for key, rule in schema.items() if key != "description"}
    about = schema["description"]
    return OpenApiParameter(name, rules, place, description=about, response=list(response) or False)


def _response(status: int, told: str | tuple[str, Schema], *, shared: bool) -> OpenApiResponse:
    about, schema = told if isinstance(told, tuple) else (told, usual(status))
    if status < 300 and "warnings" not in schema.get("properties", ("warnings",)) and not shared:
        schema = schema | {"properties": schema["properties"] | {"warnings": WARNINGS}}
    return OpenApiResponse(schema, about)


def usual(status: int) -> Schema:
    """The shape of a refusal with this status."""
    return {401: DETAIL, 403: EITHER, 404: EITHER, 422: FAULTS, 429: DETAIL}.get(status, ERROR)
