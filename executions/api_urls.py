"""The REST routes of runs, and of the system's health."""

from __future__ import annotations

from django.urls import path

from executions.rest import (
    executions,
    health,
    holds,
    limits,
    outputs,
    run_verbs,
    scheduler,
    statistics,
    workers,
)

urlpatterns = [
    path("health", health.HealthView.as_view()),
    path("scheduler/status", scheduler.StatusView.as_view()),
    path("scheduler/resync", scheduler.ResyncView.as_view()),
    path("scheduler/holds", holds.HoldsView.as_view()),
    path("scheduler/holds/<str:hold_id>", holds.HoldView.as_view()),
    path("scheduler/limits", limits.LimitsView.as_view()),
    path("scheduler/workers", workers.WorkersView.as_view()),
    path("scheduler/drains", workers.DrainsView.as_view()),
    path("scheduler/drains/<str:worker>", workers.DrainView.as_view()),
    path("jobs/<str:job_id>/execute", run_verbs.ExecuteView.as_view()),
    path("jobs/<str:job_id>/executions", executions.JobExecutionsView.as_view()),
    path("jobs/<str:job_id>/executions/stats", statistics.JobStatisticsView.as_view()),
    path("jobs/<str:job_id>/executions/<str:execution_id>", executions.JobExecutionView.as_view()),
    path("executions", executions.ExecutionsView.as_view()),
    path("executions/statistics", statistics.StatisticsView.as_view()),
    path("executions/<str:execution_id>", executions.ExecutionView.as_view()),
    path("executions/<str:execution_id>/stop", run_verbs.StopView.as_view()),
    path("executions/<str:execution_id>/artifacts", outputs.ArtifactsView.as_view()),
    path("executions/<str:execution_id>/artifacts/<artifact:name>", outputs.ArtifactView.as_view()),
    path("executions/<str:execution_id>/measurements", outputs.MeasurementsView.as_view()),
    path("executions/<str:execution_id>/suspend", run_verbs.SuspendView.as_view()),
    path("executions/<str:execution_id>/resume", run_verbs.ResumeView.as_view()),
    path("executions/<str:execution_id>/log", outputs.LogView.as_view()),
]
