"""The REST routes of the scheduler itself, for administrators (wire facts, section 12)."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from executions.monitoring import heartbeat
from executions.upkeep.resync import resync
from jobs.models import Job
from jobs.rest.access import SURFACE
from scheduler_site.lib import clock
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.query import moment
from scheduler_site.rest.schema_types import Moment, Nothing
from scheduler_site.rest.views import ApiView


class SchedulerStatus(TypedDict):
    """The scheduler."""

    scheduler_running: Annotated[bool, "Whether one is alive."]
    scheduler_is_leader: Annotated[bool, "The same: schedulers share the work."]
    scheduled_jobs_count: Annotated[int, "How many jobs have a next due time."]
    last_resync_at: Annotated[Moment | None, "When jobs were last compared with their schedules."]


class Resynced(TypedDict):
    """What was found and mended."""

    message: Literal["Scheduler resynced"]
    ran_at: Annotated[Moment, "When it began."]
    db_jobs_total: Annotated[int, "All jobs."]
    db_jobs_active: Annotated[int, "Those whose schedule is in force."]
    scheduled_now: Annotated[int, "Those with a next due time."]
    scheduled_added: Annotated[int, "Those that got one."]
    scheduled_removed: Annotated[int, "Those that lost theirs."]
    expired_auto_paused: Annotated[int, "Those that were paused after their end date."]
    orphaned_removed: Annotated[int, "Schedules that belonged to no job."]
    invalid_cron: Annotated[int, "Those whose schedule cannot be read."]
    # Ours: jobs that stay scheduled, but at another time.
    scheduled_moved: Annotated[int, "Those that got another due time."]


class StatusView(ApiView):
    method_permissions = {"GET": needs("executions.view_system")}

    @route("get_scheduler_status", "Whether it is.")
    def get(self, request: Request) -> Answer[SchedulerStatus]:
        """Is the scheduler alive?

        For administrators.
        """
        # Beats share the work, so each of them leads.
        age = heartbeat.freshest(clock.now()).get("beat")
        running = age is not None and abs(age) < heartbeat.FRESH
        return Answer(
            {
                "scheduler_running": running,
                "scheduler_is_leader": running,
                "scheduled_jobs_count": Job.objects.filter(next_run_at__isnull=False).count(),
                "last_resync_at": moment(heartbeat.last_resync()),
            }
        )


class ResyncView(ApiView):
    method_permissions = {"POST": needs("executions.resync_jobs")}

    @route(
        "resync_scheduler",
        "What differed is mended; nothing was run by it.",
        request=Nothing,
        optional=True,
    )
    def post(self, request: Request) -> Answer[Resynced]:
        """Compare all jobs with their schedules.

        For administrators. For after changes by hand in the database, or a restored backup.
        """
        self.payload(optional=True)
        done = resync(by=Actor.request(request, SURFACE))
        return Answer(
            {
                "message": "Scheduler resynced",
                "ran_at": moment(done.at),
                "db_jobs_total": done.total,
                "db_jobs_active": done.active,
                "scheduled_now": done.scheduled,
                "scheduled_added": done.added,
                "scheduled_removed": done.removed,
                "expired_auto_paused": done.expired,
                "orphaned_removed": done.orphans,
                "invalid_cron": done.invalid,
                "scheduled_moved": done.moved,
            }
        )
