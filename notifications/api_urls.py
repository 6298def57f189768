"""The REST routes of the inbox and of the Slack settings."""

from __future__ import annotations

from django.urls import path

from notifications.rest import destinations, inbox, slack

urlpatterns = [
    path("notifications", inbox.InboxView.as_view()),
    path("notifications/unread-count", inbox.UnreadCountView.as_view()),
    path("notifications/read-all", inbox.ReadAllView.as_view()),
    path("notifications/delete-read", inbox.DeleteReadView.as_view()),
    path("notifications/<str:notification_id>", inbox.NotificationView.as_view()),
    path("notifications/<str:notification_id>/read", inbox.ReadView.as_view()),
    path("settings/slack", slack.SlackView.as_view()),
    path("settings/slack/test", slack.SlackTestView.as_view()),
    path("settings/destinations", destinations.DestinationsView.as_view()),
    path("settings/destinations/<str:destination_id>", destinations.DestinationView.as_view()),
    path("settings/destinations/<str:destination_id>/test", destinations.DestinationTestView.as_view()),
]
