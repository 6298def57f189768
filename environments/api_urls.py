"""The REST routes of environments."""

from __future__ import annotations

from django.urls import path

from environments.rest import operations, packages, views

urlpatterns = [
    path("environments", views.EnvironmentsView.as_view()),
    path("environments/discovered", views.DiscoveredView.as_view()),
    path("environments/statistics", views.StatisticsView.as_view()),
    path("environments/operations/<str:operation_id>", operations.OperationView.as_view()),
    path("environments/operations/<str:operation_id>/cancel", operations.CancelView.as_view()),
    path("environments/<str:environment_id>", views.EnvironmentView.as_view()),
    path("environments/<str:environment_id>/packages", packages.PackagesView.as_view()),
]
