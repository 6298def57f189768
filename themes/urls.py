"""Pages below /registry, and the routes of the dialect, which begin with words of their own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("themes.pages.urls")),
    path("", include("themes.api.urls")),
]
