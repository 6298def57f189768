"""The pages of environments."""

from __future__ import annotations

from django.urls import path

from environments.pages import detail, views

urlpatterns = [
    path("environments", views.environments, name="environments"),
    path("environments/new", views.new, name="environment-new"),
    path("environments/discovered", views.discovered, name="environments-discovered"),
    path("environments/operations/<uuid:uid>", detail.operation, name="operation"),
    path("environments/operations/<uuid:uid>/cancel", detail.cancel, name="operation-cancel"),
    # One environment
    path("environments/<uuid:uid>", detail.environment, name="environment"),
    path("environments/<uuid:uid>/packages", detail.packages, name="environment-packages"),
    path("environments/<uuid:uid>/rename", detail.rename, name="environment-rename"),
    path("environments/<uuid:uid>/delete", detail.delete, name="environment-delete"),
]
