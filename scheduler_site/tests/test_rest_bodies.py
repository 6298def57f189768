"""What a request with a body must look like, and how it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from scheduler_site.rest.views import ApiView

JSON = "application/json"


class Echo(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        return Response({"got": self.payload()})

    def put(self, request: Request) -> Response:
        return Response({"got": self.payload(optional=True)})


def send(body: bytes | str, content_type: str = JSON, method: str = "POST", **extra: Any) -> Any:
    data: Any = body
    request = APIRequestFactory().generic(method, "/", data, content_type=content_type, **extra)
    return Echo.as_view()(request).render()


def body_of(answer: Any) -> Any:
    return json.loads(answer.content)


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_an_object_is_taken(content_type: str) -> None:
    answer = send('{"a": "ü"}', content_type)
    assert (answer.status_code, body_of(answer)) == (200, {"got": {"a": "ü"}})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "x", ""])
def test_another_content_type_is_400(content_type: str) -> None:
    answer = send('{"a": 1}', content_type)
    assert (answer.status_code, body_of(answer)) == (
        400,
        {"error": "Content-Type must be application/json"},
    )


@pytest.mark.parametrize(
    "content_type", ["text/application/json", "application/json+x", "application/json,x"]
)
def test_a_content_type_that_only_contains_the_words_is_no_server_error(content_type: str) -> None:
    assert send('{"a": 1}', content_type).status_code in (200, 400)


@pytest.mark.parametrize("body", ["", "{", "rubbish", b"\xff\xfe", '{"a": NaN}'])
def test_what_cannot_be_read_is_400(body: bytes | str) -> None:
    answer = send(body)
    assert (answer.status_code, body_of(answer)) == (400, {"error": "Invalid JSON"})


@pytest.mark.parametrize("body", ["[]", '"a"', "1", "null", "true"])
def test_what_is_no_object_is_400(body: str) -> None:
    answer = send(body)
    assert answer.status_code == 400
    assert body_of(answer)["error"] == "Invalid payload"
    assert body_of(answer)["message"]


@pytest.mark.parametrize(
    "body",
    ['{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": ' * 100 + "1" + "}" * 100, f'{{"a": {"9" * 5000}}}'],
)
def test_what_could_not_be_stored_is_400_with_a_reason(body: str) -> None:
    answer = send(body)
    assert (answer.status_code, body_of(answer)["error"]) == (400, "Invalid payload")
    assert body_of(answer)["message"]


def test_a_body_of_one_mebibyte_is_read_and_a_larger_one_is_413() -> None:
    frame = len('{"a": ""}')
    assert send(f'{{"a": "{"x" * (2**20 - frame)}"}}').status_code == 200
    answer = send(f'{{"a": "{"x" * (2**20 - frame + 1)}"}}')
    assert (answer.status_code, body_of(answer)["error"]) == (413, "Payload too large")


def test_a_declared_length_is_believed_before_anything_is_read() -> None:
    assert send("{}", CONTENT_LENGTH=str(2**40)).status_code == 413


def test_where_the_body_is_optional_none_is_an_empty_object_but_rubbish_is_not() -> None:
    assert body_of(send("", "", "PUT")) == {"got": {}}
    assert send("rubbish", JSON, "PUT").status_code == 400
    assert send("rubbish", "text/plain", "PUT").status_code == 400


def test_answers_are_json_whatever_is_accepted() -> None:
    answer = send("{}", HTTP_ACCEPT="text/html")
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
