"""The account pages."""

from __future__ import annotations

from django.urls import path

from accounts.pages import profile, sessions, tokens, views

urlpatterns = [
    path("language", views.set_language, name="set_language"),
    path("login", views.LoginView.as_view(), name="login"),
    path("logout", views.LogoutView.as_view(), name="logout"),
    path("profile", profile.profile, name="profile"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens/<uuid:uid>/revoke", tokens.revoke, name="token-revoke"),
    path("sessions", sessions.sessions, name="sessions"),
    path("sessions/end", sessions.end_all, name="sessions-end-all"),
    path("sessions/<uuid:uid>/end", sessions.end, name="session-end"),
    path("password", views.PasswordView.as_view(), name="password"),
]
