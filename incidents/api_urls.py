"""The REST routes of incidents and of the rules about them."""

from __future__ import annotations

from django.urls import path

from incidents.rest import incidents, rules

urlpatterns = [
    path("incidents", incidents.IncidentsView.as_view()),
    path("incidents/<str:incident_id>", incidents.IncidentView.as_view()),
    path("incidents/<str:incident_id>/acknowledge", incidents.AcknowledgeView.as_view()),
    path("incidents/<str:incident_id>/assign", incidents.AssignView.as_view()),
    path("incidents/<str:incident_id>/close", incidents.CloseView.as_view()),
    path("incidents/<str:incident_id>/comment", incidents.CommentView.as_view()),
    path("incidents/<str:incident_id>/mute", incidents.MuteView.as_view()),
    path("incidents/<str:incident_id>/snooze", incidents.SnoozeView.as_view()),
    path("settings/incidents", rules.RulesView.as_view()),
    path("settings/incidents/steps", rules.StepsView.as_view()),
    path("settings/incidents/steps/<str:step_id>", rules.StepView.as_view()),
]
