"""What the API's document says of preferences."""

from __future__ import annotations

from scheduler_site.openapi.schema import (
    EITHER,
    Route,
    Schema,
    answer,
    anything,
    body,
    constant,
    flag,
    mapping,
    route,
    stamp,
    uid,
)

TAG = "Preferences"
ABOUT = (
    "One's own, or for administrators anybody's. They are kept for clients; nothing in Belfry follows them."
)
NOT_YOURS = {403: ("Not one's own.", EITHER)}
_SWITCHES = {
    "email_on_job_success": "Mail after a success.",
    "email_on_job_failure": "Mail after a failure.",
    "email_on_job_disabled": "Mail when a job is paused.",
    "browser_notifications": "Notes of the browser.",
    "daily_digest": "A summary by the day.",
    "weekly_report": "A summary by the week.",
}
_COLUMNS = ("pic_team", "end_date", "cron_expression", "target_url", "last_execution_at")
_STORED = answer(
    "Preferences",
    "What somebody wants to be told.",
    {
        "id": uid("Their id."),
        "user_id": uid("Whose they are."),
        **{name: flag(about) for name, about in _SWITCHES.items()},
        "created_at": stamp("When they were made."),
        "updated_at": stamp("When they were last changed."),
    },
)
_SHOWN = answer(
    "UiPreferences",
    "What somebody wants to be shown.",
    {
        "preferences": answer(
            "",
            "The preferences.",
            {
                "jobs_table_columns": answer(
                    "",
                    "Which columns the table of jobs has.",
                    {name: flag(f"Whether it has `{name}`.") for name in _COLUMNS},
                )
            },
        )
    },
)


def _answer(name: str, verb: str) -> Schema:
    message = constant(f"Notification preferences {verb} successfully")
    return answer(name, "The preferences.", {"message": message, "preferences": _STORED})


PREFERENCES: Route = {
    "get": route(
        "get_preferences",
        "What somebody wants to be told",
        TAG,
        {200: ("The preferences.", _answer("PreferencesRead", "retrieved")), **NOT_YOURS},
        about=ABOUT,
    ),
    "put": route(
        "update_preferences",
        "Change what somebody wants to be told",
        TAG,
        {200: ("As they are now.", _answer("PreferencesUpdated", "updated")), **NOT_YOURS},
        about=ABOUT,
        takes=body(
            "PreferencesChanges",
            "Any of the switches; whatever they are given counts as true or false.",
            {name: flag(about) for name, about in _SWITCHES.items()},
        ),
    ),
}
UI_PREFERENCES: Route = {
    "get": route(
        "get_ui_preferences",
        "What somebody wants to be shown",
        TAG,
        {200: ("The preferences.", _SHOWN), **NOT_YOURS},
        about=ABOUT,
    ),
    "put": route(
        "update_ui_preferences",
        "Change what somebody wants to be shown",
        TAG,
        {200: ("As they are now.", _SHOWN), **NOT_YOURS},
        about=ABOUT,
        takes=body(
            "UiPreferencesChanges",
            "The columns; those that are not named get their usual state, unknown ones are dropped.",
            {"jobs_table_columns": mapping("Columns and whether to show them.", anything("True or false."))},
            required=["jobs_table_columns"],
        ),
    ),
}
