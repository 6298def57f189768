"""The REST routes of runs, and of the system's health."""

from __future__ import annotations

from django.urls import path

from executions.rest import executions, scheduler

urlpatterns = [
    path("health", executions.HealthView.as_view()),
    path("scheduler/status", scheduler.StatusView.as_view()),
    path("scheduler/resync", scheduler.ResyncView.as_view()),
    path("jobs/<str:job_id>/execute", executions.ExecuteView.as_view()),
    path("jobs/<str:job_id>/executions", executions.JobExecutionsView.as_view()),
    path("jobs/<str:job_id>/executions/stats", executions.JobStatisticsView.as_view()),
    path("jobs/<str:job_id>/executions/<str:execution_id>", executions.JobExecutionView.as_view()),
    path("executions", executions.ExecutionsView.as_view()),
    path("executions/statistics", executions.StatisticsView.as_view()),
    path("executions/<str:execution_id>", executions.ExecutionView.as_view()),
    path("executions/<str:execution_id>/stop", executions.StopView.as_view()),
    path("executions/<str:execution_id>/artifacts", executions.ArtifactsView.as_view()),
    path("executions/<str:execution_id>/artifacts/<artifact:name>", executions.ArtifactView.as_view()),
    path("executions/<str:execution_id>/measurements", executions.MeasurementsView.as_view()),
    path("executions/<str:execution_id>/suspend", executions.SuspendView.as_view()),
    path("executions/<str:execution_id>/resume", executions.ResumeView.as_view()),
    path("executions/<str:execution_id>/log", executions.LogView.as_view()),
]
