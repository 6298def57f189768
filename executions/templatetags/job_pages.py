"""How a job is doing, on its page, whose code knows nothing of runs: `{% load job_pages %}`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from executions.models import Execution
from executions.monitoring import job_health
from executions.monitoring.job_health import Health, Past
from executions.pages.charts import group_of
from executions.pages.listing import COLUMNS, Row, rows_of
from executions.templatetags.runs import badge, megabytes
from incidents.models import Incident
from jobs import schedule
from jobs.models import Job
from jobs.templatetags.timing import duration, moment

register = template.Library()
RECENT = 10
NOWHERE = uuid.UUID(int=0)


@register.simple_tag
def health_of(job: Job, user: User) -> Health:
    return job_health.of(job, user)


@register.simple_tag
def open_incidents(job: Job, user: User) -> list[Incident]:
    found = Incident.objects.open().visible_to(user).filter(open_job=job.uid)
    return list(found.select_related("acknowledged_by").order_by("opened_at"))


@register.simple_tag
def recent_rows(job: Job, user: User, zone: str) -> list[Row]:
    """The newest rows of one job."""
    rows = Execution.objects.visible_to(user).filter(job=job).only(*COLUMNS)
    return rows_of(rows.order_by("-due_at", "-id")[:RECENT], lambda due: moment(due, zone))


class PastRow(NamedTuple):
    """What a run needed, in a line."""

    url: str
    due: SafeString | str
    badge: SafeString
    duration: str
    cpu: str
    peak: str
    mean: str


@register.simple_tag
def past_rows(runs: Iterable[Past], zone: str) -> list[PastRow]:
    base = reverse("executions")
    return [
        PastRow(
            f"{base}/{run.uid}",
            moment(run.due_at, zone),
            badge(run.state, run.label),
            duration(run.duration),
            duration(run.cpu_seconds),
            megabytes(run.peak_memory),
            megabytes(run.mean_memory),
        )
        for run in runs
    ]


@register.simple_tag
def run_grid(health: Health, zone: str) -> SafeString:
    """A cell for each of the last runs, oldest first, that leads to it; told apart by signs as well as by colours."""
    cells, labels = [], dict[str, str]()
    # Asked for once: fifty times they would cost more than all else on the page.
    place, offset = reverse("execution", args=[NOWHERE]), schedule.zone(zone)
    for run in reversed(health.shown):
        label = labels.get(run.state) or labels.setdefault(run.state, run.label)
        took = duration(run.duration) if run.duration is not None else ""
        words = escape(_join(label, f"{run.due_at.astimezone(offset):%Y-%m-%d %H:%M}", took))
        address = place.replace(str(NOWHERE), str(run.uid))
        sign = f"cell {group_of(run.state)} {run.state}"
        cells.append(f'<li><a class="{sign}" href="{address}" title="{words}" aria-label="{words}"></a></li>')
    return mark_safe("".join(cells))  # noqa: S308 - texts are escaped above


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
