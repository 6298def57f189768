"""The REST routes of one's own inbox and of the Slack settings (v2 wire facts, sections 10.1 and 11)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import account, needs
from audit.record import By
from notifications import inbox, verbs
from notifications.models import Notification, SlackSettings
from notifications.rest import schema
from scheduler_site.rest import versions
from scheduler_site.rest.views import (
    BARE,
    ApiError,
    ApiView,
    DateRange,
    as_uuid,
    boolean,
    date_range,
    integer,
    timestamp,
)

SURFACE = "api"
MOST = 100


def notification_json(item: Notification) -> dict[str, Any]:
    return {
        "id": str(item.uid),
        "user_id": str(item.user.uid),
        "title": item.title,
        "message": item.message,
        "type": item.type,
        "related_job_id": str(item.related_job_uid) if item.related_job_uid else None,
        "related_execution_id": str(item.related_execution_uid) if item.related_execution_uid else None,
        "is_read": item.is_read,
        "read_at": _moment(item.read_at),
        "created_at": _moment(item.created_at),
    }


def slack_json(slack: SlackSettings) -> dict[str, Any]:
    """The URL is a secret: it is shown masked, and sent back so it changes nothing."""
    return {
        "id": str(slack.uid),
        "is_enabled": slack.is_enabled,
        "webhook_url": slack.masked_url or None,
        "channel": slack.channel or None,
        "created_at": timestamp(slack.created_at),
        "updated_at": timestamp(slack.updated_at),
    }


@extend_schema_view(**schema.INBOX)
class InboxView(ApiView):
    """GET a page, the newest first: `page`, `per_page` (at most 100), `unread_only`, `from`, `to`."""

    def get(self, request: Request) -> Response:
        params = request.query_params
        page = integer(params, "page", 1)
        size = min(integer(params, "per_page", 20), MOST)
        span = date_range(params)
        items = _mine(request, span)
        if boolean(params, "unread_only"):
            items = items.filter(is_read=False)
        total, start = items.count(), (page - 1) * size
        rows = items.select_related("user").order_by("-created_at", "-id")[start : start + size]
        return Response(
            {
                "notifications": [notification_json(item) for item in rows],
                "total": total,
                "page": page,
                "per_page": size,
                "total_pages": -(-total // size),
                "range": span.echo(offset=False),
            }
        )


@extend_schema_view(**schema.UNREAD)
class UnreadCountView(ApiView):
    def get(self, request: Request) -> Response:
        span = date_range(request.query_params)
        count = _mine(request, span).filter(is_read=False).count()
        return Response({"unread_count": count, "range": span.echo(offset=False)})


@extend_schema_view(**schema.READ_ALL)
class ReadAllView(ApiView):
    def put(self, request: Request) -> Response:
        count = inbox.read_all(account(request))
        return Response({"message": "All notifications marked as read", "updated_count": count})


@extend_schema_view(**schema.DELETE_READ)
class DeleteReadView(ApiView):
    """DELETE those that have been read, `from` and `to` as in the list."""

    def delete(self, request: Request) -> Response:
        read = _mine(request, date_range(request.query_params)).filter(is_read=True)
        count, _rows = read.delete()
        return Response({"deleted_count": count})


@extend_schema_view(**schema.READ)
class ReadView(ApiView):
    def put(self, request: Request, notification_id: str) -> Response:
        item = _own(request, notification_id, "access")
        inbox.read(item)
        item.refresh_from_db()
        return Response({"message": "Notification marked as read", "notification": notification_json(item)})


@extend_schema_view(**schema.ONE)
class NotificationView(ApiView):
    def delete(self, request: Request, notification_id: str) -> Response:
        _own(request, notification_id, "delete").delete()
        return Response({"message": "Notification deleted successfully"})


@extend_schema_view(**schema.SLACK)
class SlackView(ApiView):
    """GET, and PUT what the body names (admins). 400 for settings that cannot work; nothing is changed then."""

    method_permissions = dict.fromkeys(("GET", "PUT"), needs("notifications.change_slacksettings"))

    def get(self, request: Request) -> Response:
        slack = SlackSettings.load()
        return versions.tagged(Response({"slack_settings": slack_json(slack)}), slack)

    def put(self, request: Request) -> Response:
        values = _slack_values(self.payload())
        try:
            with versions.unchanged(request, SlackSettings.objects.all()):
                slack = verbs.update_slack(values, by=By.request(request, SURFACE))
        except verbs.Invalid as problem:
            raise ApiError(400, "Invalid settings", str(problem)) from problem
        told = {"message": "Slack settings updated", "slack_settings": slack_json(slack)}
        return versions.tagged(Response(told), slack)


@extend_schema_view(**schema.SLACK_TEST)
class SlackTestView(ApiView):
    """POST: sends a test message (admins); 502 with the reason when Slack did not take it."""

    method_permissions = {"POST": needs("notifications.change_slacksettings")}

    def post(self, request: Request) -> Response:
        alert = verbs.test_slack()
        if alert.last_error:
            raise ApiError(502, "Not delivered", alert.last_error)
        return Response({"message": "Test message sent"})


def _mine(request: Request, span: DateRange) -> QuerySet[Notification]:
    return account(request).notifications.filter(**span.lookups("created_at"))


def _own(request: Request, notification_id: str, verb: str) -> Notification:
    """404 for an id that is not there, 403 for somebody else's, whoever asks."""
    uid = as_uuid(notification_id)
    found = Notification.objects.select_related("user").filter(uid=uid).first() if uid else None
    if found is None:
        raise ApiError(404, "Notification not found", BARE)
    if found.user_id != account(request).pk:
        raise ApiError(403, f"Forbidden: Cannot {verb} other users notifications", BARE)
    return found


def _slack_values(body: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.get("is_enabled") is not None:
        if not isinstance(body["is_enabled"], bool):
            raise ApiError(400, "Invalid settings", "is_enabled must be true or false.")
        values["is_enabled"] = body["is_enabled"]
    for name, longest in (("webhook_url", 1000), ("channel", 100)):
        if name not in body:
            continue
        text = "" if body[name] is None else body[name]
        if not isinstance(text, str) or len(text.strip()) > longest:
            raise ApiError(400, "Invalid settings", f"{name} must be a text of at most {longest} characters.")
        values[name] = text.strip()
    return values


def _moment(moment: dt.datetime | None) -> str | None:
    """UTC, microseconds, `+00:00` (wire facts 1.2)."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds") if moment else None
