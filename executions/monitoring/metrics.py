"""The figures in the formats of Prometheus.

Several processes do the work and old rows are deleted, so there are no counters, only gauges. They are read from the database
at the scrape; a gauge over a window of time has the window in its name.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from executions.models import Execution, Hold, State, Trigger
from executions.monitoring import drains, figures, health, quarter_hours
from incidents.models import Incident
from jobs.models import Job
from scheduler_site.lib import clock
from scheduler_site.lib.cache import TTLCache

SECONDS = 2.0
HOUR = dt.timedelta(hours=1)
QUANTILES = (0.5, 0.99)
# The latest starts are enough to judge by, however many there were in the hour.
STARTS = 2000


class Scrape(Collector):
    """What was read at one moment."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(accept: str) -> tuple[bytes, str]:
    """The metrics and their content type: OpenMetrics 1.0 where the client reads it, else the plain text format."""
    if "application/openmetrics-text" in accept:
        text: bytes = openmetrics.generate_latest(current())  # type: ignore[no-untyped-call]
        return text, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(current()), CONTENT_TYPE_PLAIN_0_0_4


def read(now: dt.datetime) -> Iterator[Metric]:
    """All metrics at a moment. While the database is away those that it would know are absent."""
    yield gauge("belfry_build_info", "The version that answers.", "version", {settings.VERSION: 1})
    report = health.report(now)
    checks = {check.name: check.ok for check in report.checks if not check.ordered}
    yield gauge(
        "belfry_check_ok", "Whether a check of the health report is well (1) or not (0).", "check", checks
    )
    if (depths := health.broker.depths()) is not None:
        yield gauge("belfry_queue_depth", "Messages that wait in the broker.", "queue", depths)
    try:
        # A list, so that what was read before the database went away is not lost.
        yield from [*_figures(figures.count(now)), *_ledger(now), *_jobs(), *_orders(now), *_incidents(now)]
    except (DatabaseError, InterfaceError, OSError):
        return


def _incidents(now: dt.datetime) -> Iterator[Metric]:
    rows = Incident.objects.open().order_by().values_list("kind").annotate(Count("pk"), Min("opened_at"))
    found = {kind: (count, oldest) for kind, count, oldest in rows}
    counts = {kind: found.get(kind, (0, now))[0] for kind in Incident.Kind.values}
    yield gauge("belfry_open_incidents", "Incidents that are not closed.", "kind", counts)
    oldest = min((opened for _count, opened in found.values()), default=now)
    yield GaugeMetricFamily(
        "belfry_oldest_incident_seconds",
        "Age of the oldest incident that is not closed; 0 without any.",
        max((now - oldest).total_seconds(), 0.0),
    )


def gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """A gauge with one label."""
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family


def _figures(now: figures.Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "belfry_oldest_due_seconds", "Age of the oldest due time that no tick has taken.", now.oldest_due
    )
    yield GaugeMetricFamily(
        "belfry_oldest_queued_seconds", "Age of the oldest run that no worker has taken.", now.oldest_queued
    )
    yield gauge(
        "belfry_open_runs",
        "Runs that have not ended; held: behind another run of their job; retrying: until the next attempt.",
        "state",
        asdict(now.open),
    )
    yield gauge(
        "belfry_unfulfilled_24h",
        "Due times recorded as lost, missed or skipped in the last 24 hours, whenever they had been due.",
        "state",
        now.noticed,
    )
    yield GaugeMetricFamily(
        "belfry_alerts_undelivered", "Alerts given up, or not delivered within five minutes.", now.undelivered
    )
    ages, alive = _roles(now)
    yield gauge("belfry_heartbeat_age_seconds", "Age of the latest sign of life of a role.", "role", ages)
    yield gauge("belfry_processes", "Processes that gave a sign of life lately.", "role", alive)


def _orders(now: dt.datetime) -> Iterator[Metric]:
    """What administrators have ordered."""
    states = dict.fromkeys(("running", "draining", "drained"), 0)
    for worker in drains.workers(now):
        if worker.state in states:
            states[worker.state] += 1
    yield gauge(
        "belfry_workers", "Worker processes, by whether somebody drains or has drained them.", "state", states
    )
    active = Hold.objects.active().values_list("category__slug", flat=True)
    scopes = {"": 0} | {slug or "": 1 for slug in active}
    yield gauge(
        "belfry_starts_held",
        "Whether the starts of a category, or of all jobs (empty), are held.",
        "category",
        scopes,
    )


def _roles(now: figures.Figures) -> tuple[dict[str, float], dict[str, float]]:
    ages: dict[str, float] = {}
    # Those that should exist count as 0 when they do not: an alert can only compare what is there.
    alive = dict.fromkeys(("beat", *health.QUEUES), 0.0)
    for process in now.processes:
        ages[process.role] = min(ages.get(process.role, math.inf), max(process.age, 0.0))
        alive[process.role] = alive.get(process.role, 0) + process.alive
    return ages, alive


def _ledger(now: dt.datetime) -> Iterator[Metric]:
    counts = dict.fromkeys(State.values, 0)
    for states in quarter_hours.counted(Execution.objects.all(), None, now - figures.DAY, now).values():
        counts |= {state: counts[state] + number for state, number in states.items()}
    yield gauge(
        "belfry_executions_24h",
        "Executions that were due in the last 24 hours, by their present state.",
        "state",
        counts,
    )
    yield gauge(
        "belfry_start_lateness_1h_seconds",
        f"From due time to start, of the scheduled runs that started in the last hour (of the latest {STARTS}).",
        "quantile",
        lateness(now),
    )


def lateness(now: dt.datetime) -> dict[str, float]:
    """Seconds by quantile; empty when nothing started. What ran late after an outage counts as it is."""
    started = Execution.objects.filter(started_at__gte=now - HOUR, trigger=Trigger.SCHEDULED)
    times = started.order_by("-started_at").values_list("due_at", "started_at")[:STARTS]
    late = sorted((start - due).total_seconds() for due, start in times if start is not None)
    return {str(part): late[math.ceil(part * len(late)) - 1] for part in QUANTILES} if late else {}


def _jobs() -> Iterator[Metric]:
    scheduled = Job.objects.filter(next_run_at__isnull=False).count()
    broken = Job.objects.filter(next_run_at=None).exclude(quarantine_reason="").count()
    idle = Job.objects.count() - scheduled - broken
    yield gauge(
        "belfry_jobs",
        "Jobs that have a next run, that cannot be scheduled, and that are paused, over or run only by hand.",
        "state",
        {"scheduled": scheduled, "broken": broken, "idle": idle},
    )


current = TTLCache(lambda: Scrape(read(clock.shown())), SECONDS)
