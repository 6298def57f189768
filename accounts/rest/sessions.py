"""The REST routes of logins that last: one's own, to be seen and ended; not with an API token."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rest_framework.request import Request

from accounts.models import Login
from accounts.rest.permissions import account, require_person
from accounts.signin import logins
from audit.record import Actor
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Rules, Stamp, Uid
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
# The most that a list contains.
MOST = 200
PEOPLE = {403: "Not with an API token; a session of the pages needs its CSRF token."}


class SessionJson(TypedDict):
    """A login that is good now."""

    id: Annotated[Uid, "The session's id."]
    surface: Annotated[str, "Where it was opened.", Rules(examples=["page", "api", "v1", "conda"])]
    device: Annotated[str | None, "What the browser or the program calls itself."]
    address: Annotated[str | None, "Where it was last seen."]
    created_at: Annotated[Stamp, "When it was opened."]
    last_seen_at: Annotated[Stamp, "When it was last used, to a few minutes."]
    expires_at: Annotated[Stamp, "When it ends by itself."]
    current: Annotated[bool, "Whether this request belongs to it."]


class Sessions(TypedDict):
    """Sessions."""

    count: Annotated[int, "How many."]
    sessions: Annotated[list[SessionJson], "The sessions."]


class AllSessionsEnded(TypedDict):
    """A confirmation."""

    message: Literal["Logged out everywhere"]
    ended_count: Annotated[int, "How many were in the list."]


class SessionEnded(TypedDict):
    """A confirmation."""

    message: Literal["Session ended successfully"]
    session_id: Annotated[Uid, "Which one."]


def login_json(login: Login, present: str) -> SessionJson:
    return {
        "id": str(login.uid),
        "surface": login.surface,
        "device": login.device or None,
        "address": login.address,
        "created_at": timestamp(login.created_at),
        "last_seen_at": timestamp(login.last_seen_at),
        "expires_at": timestamp(login.expires_at),
        "current": present in (login.uid.hex, login.session_key),
    }


class _Sessions(ApiView):
    tag = "Sessions"


class SessionsView(_Sessions):
    @route("list_sessions", "Those that are good now.", PEOPLE)
    def get(self, request: Request) -> Answer[Sessions]:
        """My sessions, the latest used first."""
        require_person(request)
        present = _present(request)
        found = [login_json(login, present) for login in logins.of(account(request))[:MOST]]
        return Answer({"count": len(found), "sessions": found})

    @route("end_all_sessions", "All sessions and all tokens of logins have ended.", PEOPLE)
    def delete(self, request: Request) -> Answer[AllSessionsEnded]:
        """Log out everywhere.

        This session ends as well; API tokens go on.
        """
        require_person(request)
        count = logins.end_all(account(request), by=Actor.request(request, SURFACE))
        return Answer({"message": "Logged out everywhere", "ended_count": count})


class SessionView(_Sessions):
    @route("end_session", "Its tokens are refused from now on.", PEOPLE)
    def delete(self, request: Request, session_id: str) -> Answer[SessionEnded]:
        """End a session."""
        require_person(request)
        uid = as_uuid(session_id)
        login = logins.of(account(request)).filter(uid=uid).first() if uid else None
        if login is None:
            raise ApiError(404, "Session not found", "There is no session with this id that could be ended.")
        logins.end(login, by=Actor.request(request, SURFACE))
        return Answer({"message": "Session ended successfully", "session_id": str(login.uid)})


def _present(request: Request) -> str:
    """What the login of this request is known by: of a token its `sid`, of a session its key."""
    if isinstance(request.auth, dict):
        return str(request.auth.get("sid", "")) or "-"
    session = getattr(request, "session", None)
    return str(session.session_key or "-") if session is not None else "-"
