"""The pages of jobs; what starts or shows runs is in executions/urls.py."""

from __future__ import annotations

from django.urls import path

from jobs.csv_upload import pages as bulk
from jobs.pages import editing, jobs, listing, palette, repair, script, versions
from jobs.pages.form import builder
from jobs.pages.people import account_removal, categories, teams, users

urlpatterns = [
    path("jobs", listing.jobs, name="jobs"),
    path("jobs/palette", palette.palette, name="palette"),
    path("jobs/new", editing.new, name="job-new"),
    path("jobs/preview", editing.preview, name="job-preview"),
    path("jobs/builder", builder.build, name="job-builder"),
    path("jobs/lacking", script.lacking_part, name="job-lacking"),
    path("jobs/upload", bulk.upload, name="job-upload"),
    path("jobs/upload/<str:token>", bulk.confirm, name="job-upload-confirm"),
    # One job
    path("jobs/<uuid:uid>", jobs.job, name="job"),
    path("jobs/<uuid:uid>/edit", editing.edit, name="job-edit"),
    path("jobs/<uuid:uid>/pause", jobs.pause, name="job-pause"),
    path("jobs/<uuid:uid>/resume", jobs.resume, name="job-resume"),
    path("jobs/<uuid:uid>/take-over", repair.take_over, name="job-take-over"),
    path("jobs/<uuid:uid>/hide-credentials", repair.hide, name="job-hide"),
    path("jobs/<uuid:uid>/delete", jobs.delete, name="job-delete"),
    path("jobs/<uuid:uid>/history", versions.history, name="job-history"),
    path("jobs/<uuid:uid>/versions", versions.compare, name="job-versions"),
    path("jobs/<uuid:uid>/versions/<int:number>/restore", versions.restore, name="job-restore"),
    # Who works with them
    path("people", users.people, name="people"),
    path("people/users/new", users.new, name="person-new"),
    path("people/users/<uuid:uid>", users.user, name="person"),
    path("people/users/<uuid:uid>/edit", users.edit, name="person-edit"),
    path("people/users/<uuid:uid>/leave", account_removal.leave, name="person-leave"),
    path("people/users/<uuid:uid>/deactivate", account_removal.deactivate, name="person-deactivate"),
    path("people/users/<uuid:uid>/activate", account_removal.activate, name="person-activate"),
    path("people/users/<uuid:uid>/delete", account_removal.delete, name="person-delete"),
    path("people/users/<uuid:uid>/end-sessions", users.end_sessions, name="person-end-sessions"),
    path("people/teams", teams.teams, name="teams"),
    path("people/teams/new", teams.new, name="team-new"),
    path("people/teams/<uuid:uid>", teams.team, name="team"),
    path("people/teams/<uuid:uid>/edit", teams.edit, name="team-edit"),
    path("people/teams/<uuid:uid>/disable", teams.disable, name="team-disable"),
    path("people/categories", categories.categories, name="categories"),
    path("people/categories/new", categories.new, name="category-new"),
    path("people/categories/<uuid:uid>/edit", categories.edit, name="category-edit"),
    path("people/categories/<uuid:uid>/disable", categories.disable, name="category-disable"),
]
