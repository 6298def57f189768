"""The REST routes of preferences: kept for clients, for oneself or by admins (v2 wire facts, 4.1)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import verbs
from accounts.models import Preferences, User
from accounts.permissions import account
from accounts.rest import preferences_schema as schema
from accounts.rest.auth import SURFACE
from audit.record import By
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SWITCHES = (
    "email_on_job_success",
    "email_on_job_failure",
    "email_on_job_disabled",
    "browser_notifications",
    "daily_digest",
    "weekly_report",
)


def preferences_json(found: Preferences) -> dict[str, Any]:
    return {
        "id": str(found.uid),
        "user_id": str(found.user.uid),
        **{name: getattr(found, name) for name in SWITCHES},
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.updated_at),
    }


def columns_json(found: Preferences) -> dict[str, Any]:
    return {"jobs_table_columns": Preferences.COLUMNS | found.jobs_table_columns}


class _View(ApiView):
    def stored(self, user_id: str) -> Preferences:
        uid = as_uuid(user_id)
        user = User.objects.filter(uid=uid).first() if uid else None
        if user is None:
            raise ApiError(404, "User not found")
        return Preferences.objects.get_or_create(user=user)[0]

    def require_own(self, user_id: str, verb: str) -> None:
        me = account(self.request)
        if not me.is_admin and as_uuid(user_id) != me.uid:
            raise ApiError(403, f"Forbidden: Cannot {verb} other users preferences")


@extend_schema_view(**schema.PREFERENCES)
class PreferencesView(_View):
    """GET, and PUT any of the six switches; what a switch is given counts as true or false."""

    def get(self, request: Request, user_id: str) -> Response:
        self.require_own(user_id, "access")
        return _answer("retrieved", self.stored(user_id))

    def put(self, request: Request, user_id: str) -> Response:
        self.require_own(user_id, "update")
        body = self.payload()
        given = {name: bool(body[name]) for name in SWITCHES if name in body}
        found = verbs.prefer(self.stored(user_id), given, by=By.request(request, SURFACE))
        return _answer("updated", found)


@extend_schema_view(**schema.UI_PREFERENCES)
class UiPreferencesView(_View):
    """GET, and PUT `{"jobs_table_columns": {column: bool}}`: starts from the defaults, drops unknown columns."""

    def get(self, request: Request, user_id: str) -> Response:
        self.require_own(user_id, "access")
        return Response({"preferences": columns_json(self.stored(user_id))})

    def put(self, request: Request, user_id: str) -> Response:
        self.require_own(user_id, "update")
        body = self.payload()
        if "jobs_table_columns" not in body:
            raise ApiError(400, "Missing required fields", "Missing: jobs_table_columns.")
        given = body["jobs_table_columns"]
        if not isinstance(given, dict):
            raise ApiError(400, "Invalid payload", "jobs_table_columns must be an object.")
        columns = {name: bool(given.get(name, usual)) for name, usual in Preferences.COLUMNS.items()}
        by = By.request(request, SURFACE)
        found = verbs.prefer(self.stored(user_id), {"jobs_table_columns": columns}, by=by)
        return Response({"preferences": columns_json(found)})


def _answer(verb: str, found: Preferences) -> Response:
    message = f"Notification preferences {verb} successfully"
    return Response({"message": message, "preferences": preferences_json(found)})
