from __future__ import annotations

from django.urls import path

from scheduler_site.help import views

urlpatterns = [
    path("help", views.index, name="help"),
    path("help/<slug:name>", views.page, name="help-page"),
]
