"""The routes of the native REST API; the same list is served below /api/v2/ and below /api/."""

from __future__ import annotations

from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from accounts.rest import auth, categories_and_teams, preferences, sessions, users
from accounts.rest import tokens as machines
from executions.rest import bulk
from scheduler_site.openapi.views import OpenApiView
from scheduler_site.rest.views import not_found

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/login", auth.LoginView.as_view()),
    path("auth/login/form", auth.FormLoginView.as_view()),
    path("auth/refresh", auth.RefreshView.as_view()),
    path("auth/me", auth.MeView.as_view()),
    path("auth/verify", auth.VerifyView.as_view()),
    path("auth/logout", auth.LogoutView.as_view()),
    path("auth/register", users.RegisterView.as_view()),
    path("auth/tokens", machines.TokensView.as_view()),
    path("auth/tokens/<str:token_id>", machines.TokenView.as_view()),
    path("auth/sessions", sessions.SessionsView.as_view()),
    path("auth/sessions/<str:session_id>", sessions.SessionView.as_view()),
    path("auth/users", users.UsersView.as_view()),
    path("auth/users/<str:user_id>", users.UserView.as_view()),
    path("auth/users/<str:user_id>/preferences", preferences.PreferencesView.as_view()),
    path("auth/users/<str:user_id>/ui-preferences", preferences.UiPreferencesView.as_view()),
    path("job-categories", categories_and_teams.CategoriesView.as_view()),
    path("job-categories/<str:row_id>", categories_and_teams.CategoryView.as_view()),
    path("pic-teams", categories_and_teams.TeamsView.as_view()),
    path("pic-teams/<str:row_id>", categories_and_teams.TeamView.as_view()),
    path("", include("audit.api_urls")),
    path("", include("notifications.api_urls")),
    path("", include("incidents.api_urls")),
    path("", include("environments.api_urls")),
    # Before the routes of one job, whose id could be any text.
    path("jobs/bulk", bulk.BulkView.as_view()),
    path("jobs/bulk/<str:bulk_id>", bulk.BulkActionView.as_view()),
    path("", include("jobs.api_urls")),
    path("", include("executions.api_urls")),
    path("openapi.json", OpenApiView.as_view()),
    # Last: whatever is left.
    re_path("", not_found),
]
