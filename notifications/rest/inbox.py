"""The REST routes of one's own inbox (v2 wire facts, section 10.1)."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.rest.permissions import account
from notifications import inbox
from notifications.models import Notification
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import PAGE, RANGE, Flag, Integer
from scheduler_site.rest.query import NaiveRange, in_utc
from scheduler_site.rest.schema_types import Moment, Rules, Uid, one_of
from scheduler_site.rest.views import BARE, ApiError, ApiView, DateRange, as_uuid, date_range

MOST = 100
PER_PAGE = Integer(
    "per_page", f"How many a page holds; {MOST} at the most, whatever is asked for.", default=20
)
UNREAD_ONLY = Flag("unread_only", "Only what has not been read.")
OUT_OF_BOUNDS = {422: "Not a number, not a boolean, or out of bounds."}
NOT_YOURS = {403: "It is in somebody else's inbox."}


class NotificationJson(TypedDict):
    """An item of an inbox."""

    id: Annotated[Uid, "The item's id."]
    user_id: Annotated[Uid, "Whose inbox it is in."]
    title: Annotated[str, "What happened, in a few words.", Rules(examples=["Job Failed"])]
    message: Annotated[str, "What happened."]
    type: Annotated[str, "How it is meant.", one_of(Notification.Type.values)]
    related_job_id: Annotated[Uid | None, "The job that it is about; the job itself may be gone."]
    related_execution_id: Annotated[Uid | None, "The run that it is about; the run itself may be gone."]
    is_read: Annotated[bool, "Whether it has been read."]
    read_at: Annotated[Moment | None, "When it was read first."]
    created_at: Annotated[Moment, "When it came."]


class Inbox(TypedDict):
    """A page of the inbox."""

    notifications: Annotated[list[NotificationJson], "The items."]
    total: Annotated[int, "How many match on all pages."]
    page: Annotated[int, "The number of this page, from 1."]
    per_page: Annotated[int, "How many a page holds."]
    total_pages: Annotated[int, "How many pages there are."]
    range: NaiveRange


class Unread(TypedDict):
    """How many items have not been read."""

    unread_count: Annotated[int, "How many."]
    range: NaiveRange


class AllRead(TypedDict):
    """A confirmation."""

    message: Literal["All notifications marked as read"]
    updated_count: Annotated[int, "How many had not been read."]


class ReadDeleted(TypedDict):
    """A confirmation."""

    deleted_count: Annotated[int, "How many were removed."]


class NotificationRead(TypedDict):
    """The item as it is now."""

    message: Literal["Notification marked as read"]
    notification: NotificationJson


class NotificationDeleted(TypedDict):
    """A confirmation."""

    message: Literal["Notification deleted successfully"]


def notification_json(item: Notification) -> NotificationJson:
    return {
        "id": str(item.uid),
        "user_id": str(item.user.uid),
        "title": item.title,
        "message": item.message,
        "type": item.type,
        "related_job_id": str(item.related_job_uid) if item.related_job_uid else None,
        "related_execution_id": str(item.related_execution_uid) if item.related_execution_uid else None,
        "is_read": item.is_read,
        "read_at": in_utc(item.read_at, "microseconds"),
        "created_at": in_utc(item.created_at, "microseconds"),
    }


class _Inbox(ApiView):
    tag = "Inbox"


class InboxView(_Inbox):
    @route("list_notifications", "A page of it.", OUT_OF_BOUNDS, query=[PAGE, PER_PAGE, UNREAD_ONLY, *RANGE])
    def get(self, request: Request) -> Answer[Inbox]:
        """My inbox, the newest first."""
        params = request.query_params
        page = PAGE.of(params)
        size = min(PER_PAGE.of(params), MOST)
        span = date_range(params)
        items = _mine(request, span)
        if UNREAD_ONLY.of(params):
            items = items.filter(is_read=False)
        total, start = items.count(), (page - 1) * size
        rows = items.select_related("user").order_by("-created_at", "-id")[start : start + size]
        return Answer(
            {
                "notifications": [notification_json(item) for item in rows],
                "total": total,
                "page": page,
                "per_page": size,
                "total_pages": -(-total // size),
                "range": span.echo(offset=False),
            }
        )


class UnreadCountView(_Inbox):
    @route("count_unread", "The count.", query=RANGE)
    def get(self, request: Request) -> Answer[Unread]:
        """How much have I not read?"""
        span = date_range(request.query_params)
        count = _mine(request, span).filter(is_read=False).count()
        return Answer({"unread_count": count, "range": span.echo(offset=False)})


class ReadAllView(_Inbox):
    @route("read_all_notifications", "All is read.")
    def put(self, request: Request) -> Answer[AllRead]:
        """Mark everything as read."""
        count = inbox.read_all(account(request))
        return Answer({"message": "All notifications marked as read", "updated_count": count})


class DeleteReadView(_Inbox):
    @route("delete_read_notifications", "It is gone.", query=RANGE)
    def delete(self, request: Request) -> Answer[ReadDeleted]:
        """Remove what has been read."""
        read = _mine(request, date_range(request.query_params)).filter(is_read=True)
        count, _rows = read.delete()
        return Answer({"deleted_count": count})


class ReadView(_Inbox):
    @route("read_notification", "It is read; the time of the first reading stays.", NOT_YOURS)
    def put(self, request: Request, notification_id: str) -> Answer[NotificationRead]:
        """Mark an item as read."""
        item = _own(request, notification_id, "access")
        inbox.read(item)
        item.refresh_from_db()
        return Answer({"message": "Notification marked as read", "notification": notification_json(item)})


class NotificationView(_Inbox):
    @route("delete_notification", "It is gone.", NOT_YOURS)
    def delete(self, request: Request, notification_id: str) -> Answer[NotificationDeleted]:
        """Remove an item."""
        _own(request, notification_id, "delete").delete()
        return Answer({"message": "Notification deleted successfully"})


def _mine(request: Request, span: DateRange) -> QuerySet[Notification]:
    return account(request).notifications.filter(**span.lookups("created_at"))


def _own(request: Request, notification_id: str, verb: str) -> Notification:
    """404 for an unknown id, 403 for another user's item, for all roles."""
    uid = as_uuid(notification_id)
    found = Notification.objects.select_related("user").filter(uid=uid).first() if uid else None
    if found is None:
        raise ApiError(404, "Notification not found", BARE)
    if found.user_id != account(request).pk:
        raise ApiError(403, f"Forbidden: Cannot {verb} other users notifications", BARE)
    return found
