"""The pages of runs, and of the verbs that make or end them."""

from __future__ import annotations

from django.urls import path

from executions.pages import bulk, control, dashboard, first_steps, listing, run, views

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("first-steps/dismiss", first_steps.dismiss, name="first-steps-dismiss"),
    # The ledger
    path("executions", listing.executions, name="executions"),
    path("executions/<uuid:uid>", run.execution, name="execution"),
    path("executions/<uuid:uid>/output", run.output, name="execution-output"),
    path("executions/<uuid:uid>/artifacts/<artifact:name>", views.artifact, name="execution-artifact"),
    path("executions/<uuid:uid>/log", run.log, name="execution-log"),
    path("executions/<uuid:uid>/stop", views.stop, name="execution-stop"),
    path("executions/<uuid:uid>/suspend", views.suspend, name="execution-suspend"),
    path("executions/<uuid:uid>/resume", views.resume, name="execution-resume"),
    # The whole
    path("system", control.system, name="system"),
    path("system/hold", control.hold, name="hold"),
    path("system/holds/<uuid:uid>/change", control.change, name="hold-change"),
    path("system/holds/<uuid:uid>/release", control.release, name="hold-release"),
    path("system/limits", control.limit, name="limit"),
    path("system/drain", control.drain, name="drain"),
    path("system/drain/cancel", control.cancel_drain, name="drain-cancel"),
    # Many jobs at once
    path("jobs/bulk", bulk.mark, name="jobs-mark"),
    path("jobs/bulk/<uuid:uid>", bulk.bulk, name="jobs-bulk"),
    path("jobs/bulk/<uuid:uid>/stop", bulk.stop, name="jobs-bulk-stop"),
    path("people/users/<uuid:uid>/hand-over", bulk.hand_over, name="jobs-hand-over"),
    # A job, run by hand
    path("jobs/<uuid:uid>/run", views.run, name="job-run"),
]
