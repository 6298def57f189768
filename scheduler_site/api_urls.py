"""The routes of the native REST API; the same list is served below /api/v2/ and below /api/."""

from __future__ import annotations

from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from accounts import api as accounts
from scheduler_site.rest import not_found

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/login", accounts.LoginView.as_view()),
    path("auth/login/form", accounts.FormLoginView.as_view()),
    path("auth/refresh", accounts.RefreshView.as_view()),
    path("auth/me", accounts.MeView.as_view()),
    path("auth/verify", accounts.VerifyView.as_view()),
    path("auth/logout", accounts.LogoutView.as_view()),
    path("auth/register", accounts.RegisterView.as_view()),
    path("auth/users", accounts.UsersView.as_view()),
    path("auth/users/<str:user_id>", accounts.UserView.as_view()),
    path("", include("jobs.api_urls")),
    path("", include("executions.api_urls")),
    # Last: whatever is left.
    re_path("", not_found),
]
