"""Belfry's web program with Django's own admin lists of jobs and runs, to compare with: the same rows, 50 on a page.

`python -m gunicorn bench.hostile.admin:application ...`. The lists show the columns that Belfry's lists show, and fetch what
they refer to in the same query; everything else is as Django has it.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from scheduler_site.wsgi import application

__all__ = ["application"]


class Listed(admin.ModelAdmin[Any]):
    list_per_page = 50


class JobAdmin(Listed):
    list_display = ("name", "kind", "category", "team", "owner", "next_run_at", "end_date", "updated_at")
    list_select_related = ("category", "team", "owner")


class ExecutionAdmin(Listed):
    list_display = (
        *("job_name", "kind", "state", "category"),
        *("due_at", "started_at", "finished_at", "duration", "error"),
    )
    list_select_related = ("category",)
    ordering = ("-id",)


def register() -> None:
    # The models are there once the application is.
    from executions.models import Execution
    from jobs.models import Job

    admin.site.register(Job, JobAdmin)
    admin.site.register(Execution, ExecutionAdmin)


register()
