"""The REST routes of jobs."""

from __future__ import annotations

from django.urls import path

from jobs.csv_upload.api import BulkUploadView
from jobs.rest import cron, history, jobs, pausing, repair, test_run

urlpatterns = [
    path("jobs", jobs.JobsView.as_view()),
    path("jobs/bulk-upload", BulkUploadView.as_view()),
    path("jobs/test-run", test_run.TestRunView.as_view()),
    path("jobs/validate-cron", cron.ValidateCronView.as_view()),
    path("jobs/cron-preview", cron.CronPreviewView.as_view()),
    path("jobs/<str:job_id>", jobs.JobView.as_view()),
    path("jobs/<str:job_id>/history", history.HistoryView.as_view()),
    path("jobs/<str:job_id>/pause", pausing.PauseView.as_view()),
    path("jobs/<str:job_id>/resume", pausing.ResumeView.as_view()),
    path("jobs/<str:job_id>/take-over", repair.TakeOverView.as_view()),
    path("jobs/<str:job_id>/hide-credentials", repair.HideCredentialsView.as_view()),
]
