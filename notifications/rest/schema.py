"""What the API's document says of the inbox and of the Slack settings."""

from __future__ import annotations

from notifications.models import Notification
from scheduler_site.openapi.query import PAGE, RANGE, between
from scheduler_site.openapi.schema import (
    CHANGED,
    EITHER,
    IF_MATCH,
    Route,
    answer,
    body,
    constant,
    flag,
    listing,
    maybe,
    moment,
    route,
    stamp,
    text,
    uid,
    whole,
    word,
)

TAG, SLACK_TAG = "Inbox", "Slack"

NOTIFICATION = answer(
    "Notification",
    "An item of an inbox.",
    {
        "id": uid("The item's id."),
        "user_id": uid("Whose inbox it is in."),
        "title": text("What happened, in a few words.", examples=["Job Failed"]),
        "message": text("What happened."),
        "type": word("How it is meant.", Notification.Type.values),
        "related_job_id": maybe(uid("The job that it is about; the job itself may be gone.")),
        "related_execution_id": maybe(uid("The run that it is about; the run itself may be gone.")),
        "is_read": flag("Whether it has been read."),
        "read_at": maybe(moment("When it was read first.")),
        "created_at": moment("When it came."),
    },
)
NOT_YOURS = {403: ("It is in somebody else's inbox.", EITHER)}

INBOX: Route = {
    "get": route(
        "list_notifications",
        "My inbox, the newest first",
        TAG,
        {
            200: (
                "A page of it.",
                answer(
                    "Inbox",
                    "A page of the inbox.",
                    {
                        "notifications": listing("The items.", NOTIFICATION),
                        "total": whole("How many match on all pages."),
                        "page": whole("The number of this page, from 1."),
                        "per_page": whole("How many a page holds."),
                        "total_pages": whole("How many pages there are."),
                        "range": between(with_offset=False),
                    },
                ),
            ),
            422: "A number or a boolean that is none, or out of bounds.",
        },
        query={
            "page": PAGE,
            "per_page": whole(
                "How many a page holds; 100 at the most, whatever is asked for.", minimum=1, default=20
            ),
            "unread_only": flag("Only what has not been read.", default=False),
            **RANGE,
        },
    )
}
UNREAD: Route = {
    "get": route(
        "count_unread",
        "How much have I not read?",
        TAG,
        {
            200: (
                "The count.",
                answer(
                    "Unread",
                    "How many items have not been read.",
                    {"unread_count": whole("How many."), "range": between(with_offset=False)},
                ),
            )
        },
        query=RANGE,
    )
}
READ_ALL: Route = {
    "put": route(
        "read_all_notifications",
        "Mark everything as read",
        TAG,
        {
            200: (
                "All is read.",
                answer(
                    "AllRead",
                    "A confirmation.",
                    {
                        "message": constant("All notifications marked as read"),
                        "updated_count": whole("How many had not been read."),
                    },
                ),
            )
        },
    )
}
DELETE_READ: Route = {
    "delete": route(
        "delete_read_notifications",
        "Remove what has been read",
        TAG,
        {
            200: (
                "It is gone.",
                answer("ReadDeleted", "A confirmation.", {"deleted_count": whole("How many were removed.")}),
            )
        },
        query=RANGE,
    )
}
ONE: Route = {
    "delete": route(
        "delete_notification",
        "Remove an item",
        TAG,
        {
            200: (
                "It is gone.",
                answer(
                    "NotificationDeleted",
                    "A confirmation.",
                    {"message": constant("Notification deleted successfully")},
                ),
            ),
            **NOT_YOURS,
        },
    )
}
READ: Route = {
    "put": route(
        "read_notification",
        "Mark an item as read",
        TAG,
        {
            200: (
                "It is read; the time of the first reading stays.",
                answer(
                    "NotificationRead",
                    "The item as it is now.",
                    {
                        "message": constant("Notification marked as read"),
                        "notification": NOTIFICATION,
                    },
                ),
            ),
            **NOT_YOURS,
        },
    )
}

SLACK_SETTINGS = answer(
    "SlackSettings",
    "How Slack is told of alerts.",
    {
        "id": uid("The id of the one set of settings."),
        "is_enabled": flag("Whether anything is sent."),
        "webhook_url": maybe(text("The address of the incoming webhook, masked: it is a secret.")),
        "channel": maybe(text("The channel, where it is not the webhook's own.")),
        "created_at": stamp("When they were made."),
        "updated_at": stamp("When they were last changed."),
    },
)
SLACK_CHANGES = body(
    "SlackChanges",
    "What is to be changed.",
    {
        "is_enabled": maybe(flag("Whether anything is sent; needs an address.")),
        "webhook_url": maybe(
            text(
                "The https address of an incoming webhook; empty or null takes it away, the masked one keeps it.",
                maxLength=1000,
            )
        ),
        "channel": maybe(text("A channel such as #alerts; empty or null takes it away.", maxLength=100)),
    },
)
SLACK: Route = {
    "get": route(
        "get_slack_settings",
        "The Slack settings",
        SLACK_TAG,
        {200: ("As they are.", answer("", "The settings.", {"slack_settings": SLACK_SETTINGS}))},
        about="For administrators.",
    ),
    "put": route(
        "update_slack_settings",
        "Change the Slack settings",
        SLACK_TAG,
        {
            200: (
                "As they are now.",
                answer(
                    "SlackUpdated",
                    "The settings as they are now.",
                    {"message": constant("Slack settings updated"), "slack_settings": SLACK_SETTINGS},
                ),
            ),
            412: CHANGED,
        },
        about="For administrators.",
        headers=IF_MATCH,
        takes=SLACK_CHANGES,
    ),
}
SLACK_TEST: Route = {
    "post": route(
        "test_slack",
        "Send a test message to Slack",
        SLACK_TAG,
        {
            200: (
                "Slack has taken it.",
                answer("SlackTested", "A confirmation.", {"message": constant("Test message sent")}),
            ),
            502: "Slack has not taken it; `message` says why.",
        },
        about="For administrators.",
    )
}
