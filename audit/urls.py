"""The pages of the audit trail."""

from __future__ import annotations

from django.urls import path

from audit.pages import views

urlpatterns = [
    path("audit", views.trail, name="audit"),
    path("audit/csv", views.as_csv, name="audit-csv"),
]
