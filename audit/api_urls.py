"""The REST route of the audit trail."""

from __future__ import annotations

from django.urls import path

from audit.rest.entries import TrailView

urlpatterns = [path("audit", TrailView.as_view())]
