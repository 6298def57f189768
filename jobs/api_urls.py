"""The REST routes of jobs."""

from __future__ import annotations

from django.urls import path

from jobs import api, cron_api, history_api, trial_api
from jobs.bulk.api import BulkUploadView

urlpatterns = [
    path("jobs", api.JobsView.as_view()),
    path("jobs/bulk-upload", BulkUploadView.as_view()),
    path("jobs/test-run", trial_api.TrialView.as_view()),
    path("jobs/validate-cron", cron_api.ValidateCronView.as_view()),
    path("jobs/cron-preview", cron_api.CronPreviewView.as_view()),
    path("jobs/<str:job_id>", api.JobView.as_view()),
    path("jobs/<str:job_id>/history", history_api.HistoryView.as_view()),
    path("jobs/<str:job_id>/pause", api.PauseView.as_view()),
    path("jobs/<str:job_id>/resume", api.ResumeView.as_view()),
]
