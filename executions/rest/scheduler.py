"""The REST routes of the scheduler itself, for administrators (wire facts, section 12)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import needs
from audit.record import By
from executions.monitoring import heartbeat
from executions.rest import system_schema as schema
from executions.rest.wire import moment
from executions.upkeep.resync import resync
from jobs.models import Job
from jobs.rest.jobs import SURFACE
from scheduler_site.lib import clock
from scheduler_site.rest.views import ApiView


@extend_schema_view(**schema.SCHEDULER_STATUS)
class StatusView(ApiView):
    """GET: whether a beat lives, and how many jobs it will run. Beats share the work, so each of them leads."""

    method_permissions = {"GET": needs("executions.view_system")}

    def get(self, request: Request) -> Response:
        age = heartbeat.freshest(clock.now()).get("beat")
        running = age is not None and abs(age) < heartbeat.FRESH
        return Response(
            {
                "scheduler_running": running,
                "scheduler_is_leader": running,
                "scheduled_jobs_count": Job.objects.filter(next_run_at__isnull=False).count(),
                "last_resync_at": moment(heartbeat.last_resync()),
            }
        )


@extend_schema_view(**schema.RESYNC)
class ResyncView(ApiView):
    """POST: compares every job with its stored schedule and mends what differs; fires nothing."""

    method_permissions = {"POST": needs("executions.resync_jobs")}

    def post(self, request: Request) -> Response:
        self.payload(optional=True)
        done = resync(by=By.request(request, SURFACE))
        answer: dict[str, Any] = {
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
            # Ours: jobs that stay scheduled, but at another time.
            "scheduled_moved": done.moved,
        }
        return Response(answer)
