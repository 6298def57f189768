"""What the API's document says of the scheduler, and of the system's health."""

from __future__ import annotations

from scheduler_site.openapi.schema import (
    Route,
    answer,
    body,
    constant,
    flag,
    listing,
    mapping,
    maybe,
    moment,
    number,
    route,
    text,
    whole,
    word,
)

TAG = "System"
_SECONDS = number("Seconds since it gave a sign of life, or since something waits.")
_FIGURES = {
    "oldest_due_seconds": number("For how long the oldest due time has not been looked at."),
    "oldest_queued_seconds": number("For how long the oldest run has waited for a worker."),
    "open_runs": whole("Runs that have not ended."),
    "open_runs_by_state": mapping("The same by running, queued, held and retrying.", whole("How many.")),
    "lost_24h": whole("Runs given up in the last 24 hours."),
    "missed_24h": whole("Due times missed in the last 24 hours."),
    "skipped_24h": whole("Due times skipped in the last 24 hours."),
    "undelivered_alerts": whole("Alerts that people should have and do not have."),
}
HEALTH_BODY = answer(
    "Health",
    "How the system is; checks, figures and processes are told to administrators.",
    {
        "status": word("The verdict.", ["healthy", "degraded"]),
        "scheduler_running": flag("Whether a scheduler is alive."),
        "scheduled_jobs_count": whole("How many jobs have a next due time."),
        "service": constant("belfry"),
        "version": text("The version that answers."),
        "api": constant("v2"),
        "docs_url": constant("/docs"),
        "timestamp": moment("The time of the server."),
        "checks": listing(
            "What was looked at.",
            answer(
                "Check",
                "One thing that must be well.",
                {
                    "name": text("What."),
                    "ok": flag("Whether it is well."),
                    "detail": text("What is wrong."),
                    "age": maybe(_SECONDS),
                },
            ),
        ),
        "figures": answer("Figures", "What the system is judged by.", _FIGURES),
        "processes": listing(
            "Who gave a sign of life.",
            answer(
                "Process",
                "A process.",
                {
                    "role": text("What it does."),
                    "name": text("Its name."),
                    "age": _SECONDS,
                    "alive": flag("Whether that is recent."),
                    "tzdata": text("The release of the time zone rules that it came with."),
                    "clock_ahead": number("Seconds by which its host's clock is ahead of the database's."),
                },
            ),
        ),
    },
    optional=("checks", "figures", "processes"),
)
HEALTH: Route = {
    "get": route(
        "get_health",
        "Is everything well?",
        TAG,
        {200: ("It is.", HEALTH_BODY), 503: ("It is not.", HEALTH_BODY)},
    )
}
SCHEDULER_STATUS: Route = {
    "get": route(
        "get_scheduler_status",
        "Is the scheduler alive?",
        TAG,
        {
            200: (
                "Whether it is.",
                answer(
                    "SchedulerStatus",
                    "The scheduler.",
                    {
                        "scheduler_running": flag("Whether one is alive."),
                        "scheduler_is_leader": flag("The same: schedulers share the work."),
                        "scheduled_jobs_count": whole("How many jobs have a next due time."),
                        "last_resync_at": maybe(moment("When jobs were last compared with their schedules.")),
                    },
                ),
            )
        },
        about="For administrators.",
    )
}
RESYNC: Route = {
    "post": route(
        "resync_scheduler",
        "Compare all jobs with their schedules",
        TAG,
        {
            200: (
                "What differed is mended; nothing was run by it.",
                answer(
                    "Resynced",
                    "What was found and mended.",
                    {
                        "message": constant("Scheduler resynced"),
                        "ran_at": moment("When it began."),
                        "db_jobs_total": whole("All jobs."),
                        "db_jobs_active": whole("Those whose schedule is in force."),
                        "scheduled_now": whole("Those with a next due time."),
                        "scheduled_added": whole("Those that got one."),
                        "scheduled_removed": whole("Those that lost theirs."),
                        "expired_auto_paused": whole("Those that were paused after their end date."),
                        "orphaned_removed": whole("Schedules that belonged to no job."),
                        "invalid_cron": whole("Those whose schedule cannot be read."),
                        "scheduled_moved": whole("Those that got another due time."),
                    },
                ),
            )
        },
        about="For administrators. For after changes by hand in the database, or a restored backup.",
        takes=body("Nothing", "Nothing is looked at.", {}),
        optional=True,
    )
}
