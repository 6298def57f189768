"""The pages of runs, and of the verbs that make or end them."""

from __future__ import annotations

from django.urls import path

from executions.pages import bulk, dashboard, first_steps, holds_and_drains, listing, run, run_verbs

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("first-steps/dismiss", first_steps.dismiss, name="first-steps-dismiss"),
    # The ledger
    path("executions", listing.executions, name="executions"),
    path("executions/<uuid:uid>", run.execution, name="execution"),
    path("executions/<uuid:uid>/output", run.output, name="execution-output"),
    path("executions/<uuid:uid>/artifacts/<artifact:name>", run_verbs.artifact, name="execution-artifact"),
    path("executions/<uuid:uid>/log", run.log, name="execution-log"),
    path("executions/<uuid:uid>/stop", run_verbs.stop, name="execution-stop"),
    path("executions/<uuid:uid>/suspend", run_verbs.suspend, name="execution-suspend"),
    path("executions/<uuid:uid>/resume", run_verbs.resume, name="execution-resume"),
    # The whole
    path("system", holds_and_drains.system, name="system"),
    path("system/hold", holds_and_drains.hold, name="hold"),
    path("system/holds/<uuid:uid>/change", holds_and_drains.change, name="hold-change"),
    path("system/holds/<uuid:uid>/release", holds_and_drains.release, name="hold-release"),
    path("system/limits", holds_and_drains.limit, name="limit"),
    path("system/drain", holds_and_drains.drain, name="drain"),
    path("system/drain/cancel", holds_and_drains.cancel_drain, name="drain-cancel"),
    # Many jobs at once
    path("jobs/bulk", bulk.mark, name="jobs-mark"),
    path("jobs/bulk/<uuid:uid>", bulk.bulk, name="jobs-bulk"),
    path("jobs/bulk/<uuid:uid>/stop", bulk.stop, name="jobs-bulk-stop"),
    path("people/users/<uuid:uid>/hand-over", bulk.hand_over, name="jobs-hand-over"),
    # A job, run by hand
    path("jobs/<uuid:uid>/run", run_verbs.run, name="job-run"),
]
