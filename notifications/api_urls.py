"""The REST routes of the inbox and of the Slack settings."""

from __future__ import annotations

from django.urls import path

from notifications.rest import notifications

urlpatterns = [
    path("notifications", notifications.InboxView.as_view()),
    path("notifications/unread-count", notifications.UnreadCountView.as_view()),
    path("notifications/read-all", notifications.ReadAllView.as_view()),
    path("notifications/delete-read", notifications.DeleteReadView.as_view()),
    path("notifications/<str:notification_id>", notifications.NotificationView.as_view()),
    path("notifications/<str:notification_id>/read", notifications.ReadView.as_view()),
    path("settings/slack", notifications.SlackView.as_view()),
    path("settings/slack/test", notifications.SlackTestView.as_view()),
]
