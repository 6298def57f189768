"""The routes of this dialect: three of them beside the pages, all else below `/api/conda` and `/api/tasks`."""

from __future__ import annotations

from django.urls import path
from django.urls.resolvers import URLPattern

from compat.conda_tasks import accounts

urlpatterns: list[URLPattern] = [
    path("login", accounts.login),
    path("login/", accounts.login),
    path("logout", accounts.logout),
    path("logout/", accounts.logout),
    path("create_user", accounts.create_user),
    path("create_user/", accounts.create_user),
]
