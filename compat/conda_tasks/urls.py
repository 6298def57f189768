"""The routes of this dialect: three beside the pages, all else below `/api/conda` and `/api/tasks`.

What else is below `/api` is the native API's. A trailing slash makes no difference.
"""

from __future__ import annotations

from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from compat.conda_tasks import accounts, actions, environments, statistics, tasks
from compat.conda_tasks.base import CondaView
from compat.views import slash_or_not_found

others = re_path("", slash_or_not_found(CondaView, environments.OtherView.as_view()))

conda: list[URLPattern] = [
    path("environments", environments.EnvironmentsView.as_view()),
    path("stats", environments.StatisticsView.as_view()),
    path("environment", environments.NewEnvironmentView.as_view()),
    path("environment/<str:name>", environments.EnvironmentView.as_view()),
    path("environment/<str:name>/packages", environments.PackagesView.as_view()),
    others,
]
of_tasks: list[URLPattern] = [
    path("stats", statistics.StatisticsView.as_view()),
    path("history", statistics.HistoryView.as_view()),
    path("<str:task_id>", tasks.TaskView.as_view()),
    path("<str:task_id>/stop", actions.StopView.as_view()),
    path("<str:task_id>/trigger", actions.TriggerView.as_view()),
    path("<str:task_id>/pause", actions.PauseView.as_view()),
    path("<str:task_id>/resume", actions.ResumeView.as_view()),
    path("<str:task_id>/executions/<str:execution_id>/logs", actions.LogsView.as_view()),
    others,
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("login", accounts.login),
    path("login/", accounts.login),
    path("logout", accounts.logout),
    path("logout/", accounts.logout),
    path("create_user", accounts.create_user),
    path("create_user/", accounts.create_user),
    path("api/tasks", tasks.TasksView.as_view()),
    path("api/tasks/", include(of_tasks)),
    path("api/conda", environments.OtherView.as_view()),
    path("api/conda/", include(conda)),
]
