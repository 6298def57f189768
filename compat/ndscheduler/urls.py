"""The routes below `/api/v1/`; a trailing slash makes no difference."""

from __future__ import annotations

from typing import NoReturn

from django.http import HttpRequest
from django.urls import path, re_path
from django.urls.resolvers import URLPattern

from compat.ndscheduler.views import auth, categories, executions, jobs, logs, users
from compat.ndscheduler.views.base import V1View, coded
from compat.views import slash_or_not_found


class NotFoundView(V1View):
    """404 for every method."""

    open_to_all = True
    http_method_names = [*V1View.http_method_names, "options"]

    def get(self, request: HttpRequest, *args: str, **kwargs: str) -> NoReturn:
        raise coded(404, "Not Found")

    post = put = patch = delete = options = get


not_found = NotFoundView.as_view()


urlpatterns: list[URLPattern] = [
    path("auth/login", auth.LoginView.as_view()),
    path("auth/verify", auth.VerifyView.as_view()),
    path("jobs", jobs.JobsView.as_view()),
    path("jobs/meta", jobs.MetaView.as_view()),
    path("jobs/<str:job_id>", jobs.JobView.as_view()),
    path("executions", executions.ExecutionsView.as_view()),
    path("executions/<str:execution_id>", executions.ExecutionView.as_view()),
    path("categories", categories.CategoriesView.as_view()),
    path("categories/<str:category_id>", categories.CategoryView.as_view()),
    path("users", users.UsersView.as_view()),
    path("users/current", users.CurrentUserView.as_view()),
    path("users/<str:user_id>", users.UserView.as_view()),
    path("logs", logs.LogsView.as_view()),
    re_path("", slash_or_not_found(V1View, not_found)),
]
