"""The REST routes of runs, and of the system's health."""

from __future__ import annotations

from django.urls import path

from executions import api, scheduler_api

urlpatterns = [
    path("health", api.HealthView.as_view()),
    path("scheduler/status", scheduler_api.StatusView.as_view()),
    path("scheduler/resync", scheduler_api.ResyncView.as_view()),
    path("jobs/<str:job_id>/execute", api.ExecuteView.as_view()),
    path("jobs/<str:job_id>/executions", api.JobExecutionsView.as_view()),
    path("jobs/<str:job_id>/executions/stats", api.JobStatisticsView.as_view()),
    path("jobs/<str:job_id>/executions/<str:execution_id>", api.JobExecutionView.as_view()),
    path("executions", api.ExecutionsView.as_view()),
    path("executions/statistics", api.StatisticsView.as_view()),
    path("executions/<str:execution_id>", api.ExecutionView.as_view()),
    path("executions/<str:execution_id>/stop", api.StopView.as_view()),
    path("executions/<str:execution_id>/artifacts", api.ArtifactsView.as_view()),
    path("executions/<str:execution_id>/artifacts/<artifact:name>", api.ArtifactView.as_view()),
    path("executions/<str:execution_id>/measurements", api.MeasurementsView.as_view()),
    path("executions/<str:execution_id>/suspend", api.SuspendView.as_view()),
    path("executions/<str:execution_id>/resume", api.ResumeView.as_view()),
    path("executions/<str:execution_id>/log", api.LogView.as_view()),
]
