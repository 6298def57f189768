"""The pages of incidents."""

from __future__ import annotations

from django.urls import path

from incidents.pages import rules, views

urlpatterns = [
    path("incidents", views.incidents, name="incidents"),
    path("incidents/<uuid:uid>", views.incident, name="incident"),
    path("incidents/<uuid:uid>/acknowledge", views.acknowledge, name="incident-acknowledge"),
    path("incidents/<uuid:uid>/assign", views.assign, name="incident-assign"),
    path("incidents/<uuid:uid>/close", views.close, name="incident-close"),
    path("incidents/<uuid:uid>/comment", views.comment, name="incident-comment"),
    path("incidents/<uuid:uid>/mute", views.mute, name="incident-mute"),
    path("incidents/<uuid:uid>/snooze", views.snooze, name="incident-snooze"),
    path("incidents/<uuid:uid>/unmute", views.unmute, name="incident-unmute"),
    # Administrators
    path("settings/incidents", rules.incident_rules, name="incident-rules"),
    path("settings/incidents/steps", rules.add_step, name="escalation-add"),
    path("settings/incidents/steps/<uuid:uid>/remove", rules.remove_step, name="escalation-remove"),
]
