"""What all routes have in common, added to what apps say of each; and the document as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny

from scheduler_site.openapi.json_schema import COMPONENT, Schema
from scheduler_site.openapi.route import OPTIONAL_BODY, usual

ABOUT = """
The REST API of a job scheduler for teams. The same routes are served below `/api/v2` and `/api`.

**Signing in.** `POST /auth/login` gives an access token for the header `Authorization: Bearer ...`. Machines are better off
with an API token, which goes into the same header.

**Refusals** come in three shapes. `{"detail": "..."}`: the account (401, 403) and the router (404, 405).
`{"error": label, "message": text}`: what is wrong with the request; labels stay as they are, texts may change.
`{"detail": [{"type", "loc", "msg", "input"}]}` with status 422: numbers and booleans in the query that are none.
A fault of ours is 500 `{"success": false, "error": {"type": "internal_error", "message": "..."}}`; a database that does not
answer, or gave the request up, is 503 `{"error": label, "message": text}`, with `Retry-After`.

**Operators.** Whoever writes through an account that several people share may say who they are: `X-Operator-Id` and
`X-Operator-Token` in the headers, or `user_id` and `token` in the JSON body. A right token is noted in the audit trail, a wrong
one is refused with 401. It traces; it never authenticates.

**Times** are ISO 8601. `created_at` and `updated_at` are in UTC without an offset, all others say theirs.
""".strip()
REFUSALS = {
    400: "The request cannot be used; `message` says why. Also for a NUL character anywhere in it.",
    401: "No account: no token and no session, or one that is not accepted.",
    403: "The account may not do this, or a session came without its CSRF token.",
    404: "It does not exist, or is not for this account to see.",
    411: "The body came in chunks, without a Content-Length.",
    413: "The body is too large.",
    429: "Too many API tokens that are none came from this address.",
    503: "The database does not answer, or gave this request up; the same one may succeed later.",
}
HEADERS: dict[str, tuple[str, Schema]] = {
    "401": ("WWW-Authenticate", {"description": "What is asked for.", "schema": {"type": "string"}}),
    "429": ("Retry-After", {"description": "Seconds to wait.", "schema": {"type": "string"}}),
}
IDS = {
    "user_id": "The account's id.",
    "job_id": "The job's id.",
    "execution_id": "The run's id.",
    "notification_id": "The item's id.",
    "destination_id": "The destination's id.",
    "row_id": "Its id.",
    "token_id": "The token's id.",
    "session_id": "The session's id.",
    "environment_id": "The environment's id.",
    "operation_id": "The operation's id.",
    "bulk_id": "The id of a change of many jobs.",
    "hold_id": "The hold's id.",
    "incident_id": "The incident's id.",
    "step_id": "The escalation step's id.",
}
# What is named in a path in other words than by an id.
NAMES = {
    "name": "The file's path in the directory that the run left; its slashes may be written as they are.",
    "worker": "The worker's name.",
}


class RouteSchema(AutoSchema):
    """Asks the view who may call it, so that the rule is written once."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                named = NAMES.get(parameter["name"])
                parameter["description"] = named or IDS[parameter["name"]]
                parameter["schema"] = {"type": "string"} | ({} if named else {"format": "uuid"})
        answers = operation["responses"]
        for code in self._refusals(operation):
            answers.setdefault(str(code), _refusal(code))
        if self.view.get_authenticators() or "requestBody" in operation:
            answers.setdefault("503", UNAVAILABLE)
        for status, (name, header) in HEADERS.items():
            if status in answers:
                answers[status]["headers"] = {name: header}
        operation["responses"] = dict(sorted(answers.items()))
        _tell_required_body(operation)
        return operation

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "System")]

    def get_auth(self) -> list[dict[str, Any]]:
        # An empty list says more than nothing at all, which would mean that the document has not thought of it.
        return super().get_auth() or [{}]

    def _refusals(self, operation: dict[str, Any]) -> Iterator[int]:
        yield 400
        if AllowAny not in self.view.permission_classes:
            yield from (401, 429)
        sessions = any(isinstance(one, SessionAuthentication) for one in self.view.get_authenticators())
        if self.method in getattr(self.view, "method_permissions", {}) or (sessions and self.method != "GET"):
            yield 403
        if "{" in self.path:
            yield 404
        if "requestBody" in operation:
            yield from (411, 413)


def _refusal(status: int, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": usual(status)}}
    return {"description": REFUSALS[status], "content": content, **more}


# Not among HEADERS: the 503 of the health check says something else.
UNAVAILABLE = _refusal(503, headers={"Retry-After": HEADERS["429"][1]})


def _tell_required_body(operation: dict[str, Any]) -> None:
    if "requestBody" not in operation:
        return
    schemas = [content["schema"] for content in operation["requestBody"]["content"].values()]
    operation["requestBody"]["required"] = not any(schema.pop(OPTIONAL_BODY, False) for schema in schemas)


def finish(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Says what it is about. Each named schema becomes a component once, and a reference wherever it is used."""
    found: dict[str, Schema] = {}
    result["info"]["description"] = ABOUT
    result["paths"] = _hoisted(result["paths"], found)
    result.setdefault("components", {}).setdefault("schemas", {}).update(sorted(found.items()))
    return result


def _hoisted(part: Any, found: dict[str, Schema]) -> Any:
    if isinstance(part, list):
        return [_hoisted(item, found) for item in part]
    if not isinstance(part, dict):
        return part
    whole = {key: _hoisted(value, found) for key, value in part.items() if key != COMPONENT}
    if (name := part.get(COMPONENT)) is None:
        return whole
    if found.setdefault(name, whole) != whole:
        raise ValueError(f"Two different schemas are called {name}.")
    return {"$ref": f"#/components/schemas/{name}"}


def document() -> dict[str, Any]:
    """The whole description. What drf-spectacular misses it prints, and a test finds."""
    generator = SchemaGenerator(urlconf="scheduler_site.api_urls")  # type: ignore[no-untyped-call]
    described: dict[str, Any] = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    return described


@lru_cache(maxsize=1)
def text() -> bytes:
    """The same as it is served. It follows from the code alone, so a process makes it once."""
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()
