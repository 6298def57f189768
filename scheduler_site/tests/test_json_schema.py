"""What the API's document says of a type."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from rest_framework.request import Request

from scheduler_site.openapi.json_schema import COMPONENT, schema_of
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Accepted, Answer
from scheduler_site.rest.schema_types import Rules, Stamp, one_of, partial


class Thing(TypedDict):
    """A thing."""

    name: Annotated[str, "Its name.", Rules(maxLength=9)]
    kind: NotRequired[Literal["plain"]]


@partial
class ThingChanges(Thing):
    """Another thing."""


class _Unnamed(TypedDict):
    """Told in its place."""


THING = {
    COMPONENT: "Thing",
    "type": "object",
    "description": "A thing.",
    "properties": {
        "name": {"type": "string", "description": "Its name.", "maxLength": 9},
        "kind": {"type": "string", "const": "plain", "description": "Always `plain`."},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (Any, {}),
        (Annotated[Any, "It."], {"description": "It."}),
        (None.__class__, {"type": "null"}),
        (int | None, {"type": ["integer", "null"]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a"] | None, {"type": ["string", "null"], "enum": ["a", None]}),
        (Annotated[str, one_of("ab")] | None, {"type": ["string", "null"], "enum": ["a", "b", None]}),
        (list[float], {"type": "array", "items": {"type": "number"}}),
        (dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
        (Thing, THING),
        (Thing | None, {"description": "A thing.", "anyOf": [THING, {"type": "null"}]}),
        (Annotated[Thing | None, "It."], {"description": "It.", "anyOf": [THING, {"type": "null"}]}),
        (Thing | str, {"anyOf": [THING, {"type": "string"}]}),
        (_Unnamed, {"type": "object", "description": "Told in its place.", "properties": {}}),
    ],
)
def test_a_type_becomes_a_schema(kind: Any, schema: dict[str, Any]) -> None:
    assert schema_of(kind) == schema


def test_what_a_field_is_comes_before_what_holds_for_all_of_its_kind() -> None:
    assert schema_of(Annotated[Stamp, "Since when."])["description"] == "Since when. UTC, without an offset."
    told = schema_of(Annotated[Stamp | None, "Until when."])["description"]
    assert told == "Until when. UTC, without an offset."


def test_changes_may_lack_any_key() -> None:
    assert "required" not in schema_of(ThingChanges)
    assert schema_of(Thing)["required"] == ["name"]


@pytest.mark.parametrize("kind", [object, dict[int, str], tuple[str, int]])
def test_a_type_that_is_no_json_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError):
        schema_of(kind)


def test_the_status_of_an_answer_is_that_of_its_type() -> None:
    assert Answer({}).status_code == 200
    assert Accepted({}).status_code == 202
    assert Answer({}, status=503).status_code == 503


def test_a_method_that_does_not_say_what_it_answers_is_refused() -> None:
    def get(self: Any, request: Request) -> Answer[object]:
        """Something."""
        return Answer({})

    with pytest.raises(TypeError):
        route("get_something", "It.")(get)
