"""The REST routes of preferences: kept for clients, for oneself or by admins (v2 wire facts, 4.1)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict, cast

from rest_framework.request import Request

from accounts import verbs
from accounts.models import Preferences, User
from accounts.rest.auth import SURFACE
from accounts.rest.permissions import account
from audit.record import Actor
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.schema_types import Stamp, Uid, partial
from scheduler_site.rest.views import BARE, ApiError, ApiView, as_uuid, timestamp

NOT_YOURS = {403: "Not one's own."}


class _Switches(TypedDict):
    email_on_job_success: Annotated[bool, "Mail after a success."]
    email_on_job_failure: Annotated[bool, "Mail after a failure."]
    email_on_job_disabled: Annotated[bool, "Mail when a job is paused."]
    browser_notifications: Annotated[bool, "Notifications of the browser."]
    daily_digest: Annotated[bool, "A summary by the day."]
    weekly_report: Annotated[bool, "A summary by the week."]


@partial
class PreferencesChanges(_Switches):
    """Any of the switches; any value is read as true or false."""


class PreferencesJson(_Switches):
    """A user's notification preferences."""

    id: Annotated[Uid, "Their id."]
    user_id: Annotated[Uid, "Whose they are."]
    created_at: Annotated[Stamp, "When they were made."]
    updated_at: Annotated[Stamp, "When they were last changed."]


class PreferencesRead(TypedDict):
    """The preferences."""

    message: Literal["Notification preferences retrieved successfully"]
    preferences: PreferencesJson


class PreferencesUpdated(TypedDict):
    """The preferences."""

    message: Literal["Notification preferences updated successfully"]
    preferences: PreferencesJson


class Columns(TypedDict):
    """Which columns the table of jobs has."""

    pic_team: Annotated[bool, "Whether it has `pic_team`."]
    end_date: Annotated[bool, "Whether it has `end_date`."]
    cron_expression: Annotated[bool, "Whether it has `cron_expression`."]
    target_url: Annotated[bool, "Whether it has `target_url`."]
    last_execution_at: Annotated[bool, "Whether it has `last_execution_at`."]


class JobsTable(TypedDict):
    """The preferences."""

    jobs_table_columns: Columns


class UiPreferences(TypedDict):
    """A user's UI preferences."""

    preferences: JobsTable


class UiPreferencesChanges(TypedDict):
    """The columns; those that are not named get their usual state, unknown ones are dropped."""

    jobs_table_columns: Annotated[
        dict[str, Annotated[Any, "True or false."]], "Columns and whether to show them."
    ]


SWITCHES = tuple(_Switches.__annotations__)


def preferences_json(found: Preferences) -> PreferencesJson:
    return {
        "id": str(found.uid),
        "user_id": str(found.user.uid),
        "email_on_job_success": found.email_on_job_success,
        "email_on_job_failure": found.email_on_job_failure,
        "email_on_job_disabled": found.email_on_job_disabled,
        "browser_notifications": found.browser_notifications,
        "daily_digest": found.daily_digest,
        "weekly_report": found.weekly_report,
        "created_at": timestamp(found.created_at),
        "updated_at": timestamp(found.updated_at),
    }


def columns_json(found: Preferences) -> JobsTable:
    return {"jobs_table_columns": cast(Columns, Preferences.COLUMNS | found.jobs_table_columns)}


class _View(ApiView):
    tag = "Preferences"

    def stored(self, user_id: str) -> Preferences:
        uid = as_uuid(user_id)
        user = User.objects.filter(uid=uid).first() if uid else None
        if user is None:
            raise ApiError(404, "User not found", BARE)
        return Preferences.objects.get_or_create(user=user)[0]

    def require_own(self, user_id: str, verb: str) -> None:
        me = account(self.request)
        permission = "accounts.view_user" if verb == "access" else "accounts.change_user"
        if as_uuid(user_id) != me.uid and not me.has_perm(permission):
            raise ApiError(403, f"Forbidden: Cannot {verb} other users preferences", BARE)


class PreferencesView(_View):
    @route("get_preferences", "The preferences.", NOT_YOURS)
    def get(self, request: Request, user_id: str) -> Answer[PreferencesRead]:
        """A user's notification preferences.

        One's own, or for administrators anybody's. They are kept for clients; nothing in Belfry follows them.
        """
        self.require_own(user_id, "access")
        return Answer(
            {
                "message": "Notification preferences retrieved successfully",
                "preferences": preferences_json(self.stored(user_id)),
            }
        )

    @route("update_preferences", "As they are now.", NOT_YOURS, request=PreferencesChanges)
    def put(self, request: Request, user_id: str) -> Answer[PreferencesUpdated]:
        """Change notification preferences.

        One's own, or for administrators anybody's. They are kept for clients; nothing in Belfry follows them.
        """
        self.require_own(user_id, "update")
        body = self.payload()
        given = {name: bool(body[name]) for name in SWITCHES if name in body}
        found = verbs.set_preferences(self.stored(user_id), given, by=Actor.request(request, SURFACE))
        return Answer(
            {
                "message": "Notification preferences updated successfully",
                "preferences": preferences_json(found),
            }
        )


class UiPreferencesView(_View):
    @route("get_ui_preferences", "The preferences.", NOT_YOURS)
    def get(self, request: Request, user_id: str) -> Answer[UiPreferences]:
        """A user's UI preferences.

        One's own, or for administrators anybody's. They are kept for clients; nothing in Belfry follows them.
        """
        self.require_own(user_id, "access")
        return Answer({"preferences": columns_json(self.stored(user_id))})

    @route("update_ui_preferences", "As they are now.", NOT_YOURS, request=UiPreferencesChanges)
    def put(self, request: Request, user_id: str) -> Answer[UiPreferences]:
        """Change UI preferences.

        One's own, or for administrators anybody's. They are kept for clients; nothing in Belfry follows them.
        """
        self.require_own(user_id, "update")
        body = self.payload()
        if "jobs_table_columns" not in body:
            raise ApiError(400, "Missing required fields", "Missing: jobs_table_columns.")
        given = body["jobs_table_columns"]
        if not isinstance(given, dict):
            raise ApiError(400, "Invalid payload", "jobs_table_columns must be an object.")
        columns = {name: bool(given.get(name, usual)) for name, usual in Preferences.COLUMNS.items()}
        by = Actor.request(request, SURFACE)
        found = verbs.set_preferences(self.stored(user_id), {"jobs_table_columns": columns}, by=by)
        return Answer({"preferences": columns_json(found)})
