"""The REST routes of the inbox and of the Slack settings."""

from __future__ import annotations

from django.urls import path

from notifications import api

urlpatterns = [
    path("notifications", api.InboxView.as_view()),
    path("notifications/unread-count", api.UnreadCountView.as_view()),
    path("notifications/read-all", api.ReadAllView.as_view()),
    path("notifications/delete-read", api.DeleteReadView.as_view()),
    path("notifications/<str:notification_id>", api.NotificationView.as_view()),
    path("notifications/<str:notification_id>/read", api.ReadView.as_view()),
    path("settings/slack", api.SlackView.as_view()),
    path("settings/slack/test", api.SlackTestView.as_view()),
]
