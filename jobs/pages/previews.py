"""What a schedule means, as the form and the job's page show it: words, the next runs, or what is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from accounts.models import User
from jobs import schedule_text
from jobs.forms.page import PageJobForm
from jobs.models import Job
from jobs.schedule import Schedule, ScheduleError
from jobs.schedule.suggestions import suggestion
from jobs.schedule_text import Occurrence
from jobs.schedule_text.refusals import refusal
from scheduler_site.lib import clock

COUNT, COMPARED = 10, 50
FIELDS = ("schedule_kind", "expression", "timezone", "day_rule", "every", "period", "at", "end_date")


@dataclass(frozen=True)
class Preview:
    """`zone` is the one to show the times in; `manual`: no schedule; with nothing else there is nothing to preview yet."""

    zone: str
    words: str = ""
    occurrences: list[Occurrence] = field(default_factory=list)
    error: str = ""
    remarks: list[str] = field(default_factory=list)
    manual: bool = False
    # Of a paused job: there are no runs until it is resumed, which `resumes` says the time of, where it is known.
    paused: bool = False
    resumes: dt.datetime | None = None
    # An expression that was perhaps meant by one that cannot be read.
    suggestion: str = ""
    # Of a changed schedule of a stored job: the old one in words, and how many of its next runs are at other times now.
    before: str = ""
    moved: int = 0
    compared: int = 0


def of_job(job: Job) -> Preview:
    """What will run: of a paused job what is due after the pause, nothing where its end is not known."""
    zone = job.timing.timezone or settings.SCHEDULER_TIMEZONE
    try:
        return _preview(job.timing.schedule(job.end_date), zone, job)
    except ScheduleError as error:
        return Preview(settings.SCHEDULER_TIMEZONE, error=refusal(error))


def of_input(data: Mapping[str, Any], user: User, job: Job | None) -> Preview:
    """The schedule as entered, by the rules of the form that will save it."""
    given = {name: data[name] for name in FIELDS if name in data}
    if data.get("schedule_kind") == "cron" and not str(data.get("expression") or "").strip():
        return Preview(settings.SCHEDULER_TIMEZONE)
    form = PageJobForm(given, user=user, instance=job)
    if problems := [text for name in FIELDS for text in form.errors.get(name, [])]:
        meant = suggestion(data.get("expression", "")) if "expression" in form.errors else ""
        return Preview(settings.SCHEDULER_TIMEZONE, error=str(problems[0]), suggestion=meant)
    if form.timing is None:
        return Preview(settings.SCHEDULER_TIMEZONE)
    zone = form.timing.timezone or form.cleaned_data["timezone"] or settings.SCHEDULER_TIMEZONE
    entered = form.timing.schedule(form.cleaned_data["end_date"])
    shown = _preview(entered, zone, job)
    return _compared(shown, job, entered) if job else shown


def _compared(shown: Preview, job: Job, new: Schedule | None) -> Preview:
    """With what becomes of the next runs of the stored schedule, where the new one moves any of them."""
    try:
        old = job.timing.schedule(job.end_date)
    except ScheduleError:
        return shown
    if old is None or new is None:
        return shown
    now = clock.now()
    before, after = ([one.at for one in schedule_text.preview(each, now, COMPARED)] for each in (old, new))
    moved = len(set(before) - set(after))
    if not moved:
        return shown
    zone = job.timing.timezone or settings.SCHEDULER_TIMEZONE
    return replace(shown, before=schedule_text.in_words(old, zone), moved=moved, compared=len(before))


def _preview(found: Schedule | None, zone: str, job: Job | None) -> Preview:
    """Of a paused job what is due after the pause, nothing where its end is not known: saving resumes nothing."""
    if found is None:
        return Preview(zone, manual=True)
    paused = job if job and job.pk and not job.timing.enabled else None
    pause = paused.current_pause if paused else None
    resumes = pause.until if pause else None
    start = max(clock.now(), resumes) if resumes else clock.now()
    words, slots = schedule_text.in_words(found, zone), schedule_text.preview(found, start, COUNT)
    shown = slots if resumes or not paused else []
    return Preview(
        zone, words, shown, remarks=schedule_text.remarks(found), paused=bool(paused), resumes=resumes
    )
