"""The pages of the inbox, and those of administrators about alerts."""

from __future__ import annotations

from django.urls import path

from notifications.pages import destinations, views

urlpatterns = [
    path("notifications", views.inbox_page, name="inbox"),
    path("notifications/read-all", views.read_all, name="inbox-read-all"),
    path("notifications/delete-read", views.delete_read, name="inbox-delete-read"),
    path("notifications/<uuid:uid>/open", views.open_item, name="inbox-open"),
    path("notifications/<uuid:uid>/read", views.read, name="inbox-read"),
    path("notifications/<uuid:uid>/delete", views.delete, name="inbox-delete"),
    # Administrators
    path("alerts", views.alerts, name="alerts"),
    path("alerts/<uuid:uid>/again", views.again, name="alert-again"),
    path("settings/slack", views.slack, name="slack"),
    path("settings/slack/test", views.slack_test, name="slack-test"),
    path("settings/destinations", destinations.destinations, name="destinations"),
    path("settings/destinations/new/<str:channel>", destinations.new, name="destination-new"),
    path("settings/destinations/<uuid:uid>", destinations.destination, name="destination"),
    path("settings/destinations/<uuid:uid>/delete", destinations.delete, name="destination-delete"),
    path("settings/destinations/<uuid:uid>/test", destinations.test, name="destination-test"),
]
