"""The pages of jobs; what starts or shows runs is in executions/urls.py."""

from __future__ import annotations

from django.urls import path

from jobs import script_page, version_pages, views
from jobs.bulk import pages as bulk

urlpatterns = [
    path("jobs", views.jobs, name="jobs"),
    path("jobs/new", views.new, name="job-new"),
    path("jobs/preview", views.preview, name="job-preview"),
    path("jobs/lacking", script_page.lacking_part, name="job-lacking"),
    path("jobs/upload", bulk.upload, name="job-upload"),
    path("jobs/upload/<str:token>", bulk.confirm, name="job-upload-confirm"),
    # One job
    path("jobs/<uuid:uid>", views.job, name="job"),
    path("jobs/<uuid:uid>/edit", views.edit, name="job-edit"),
    path("jobs/<uuid:uid>/pause", views.pause, name="job-pause"),
    path("jobs/<uuid:uid>/resume", views.resume, name="job-resume"),
    path("jobs/<uuid:uid>/delete", views.delete, name="job-delete"),
    path("jobs/<uuid:uid>/history", version_pages.history, name="job-history"),
    path("jobs/<uuid:uid>/versions", version_pages.compare, name="job-versions"),
    path("jobs/<uuid:uid>/versions/<int:number>/restore", version_pages.restore, name="job-restore"),
]
