"""Warnings in an answer: known keys of the request that have no effect on this job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from jobs import schedule_text
from jobs.forms.targets import GITHUB_KEYS, TARGET_KINDS, shorthand, target
from jobs.forms.timing import SCHEDULE, SCHEDULE_OF
from jobs.models import Job
from jobs.rest.wire import schedule_json


def notes(body: Mapping[str, Any], job: Job) -> tuple[str, ...]:
    """Of a job as it is stored after the change."""
    return (*_steps(job), *_schedule(body, job), *_target(body, job), *_others(body, job), *_ending(job))


def _steps(job: Job) -> Iterator[str]:
    """The schedule is one that was just read, hence sound."""
    yield from (f"cron_expression: {text}" for text in schedule_text.remarks(job.timing.schedule()))


def _schedule(body: Mapping[str, Any], job: Job) -> Iterator[str]:
    kind, stored = job.timing.kind, dict(schedule_json(job.timing))
    given = body.get("schedule")
    places = {f"schedule.{name}": value for name, value in given.items()} if isinstance(given, dict) else {}
    for way, value in {**places, **body}.items():
        name = way.rpartition(".")[2]
        if name not in SCHEDULE or name in SCHEDULE_OF[kind] or (way == name == "expression"):
            continue
        if value not in (None, "", stored[name]):
            yield f"{way}: has no effect on a schedule of the kind {kind}."


def _target(body: Mapping[str, Any], job: Job) -> Iterator[str]:
    kept = dict(target(job.kind, job.options))
    for key in ("target_url", *GITHUB_KEYS):
        value = body.get(key)
        if not isinstance(value, str) or not value.strip() or kept[key]:
            continue
        if key in GITHUB_KEYS and job.kind in TARGET_KINDS:
            yield f"{key}: ignored, since a workflow needs {', '.join(GITHUB_KEYS)}."
        elif not shorthand(value):
            yield f"{key}: has no effect on a job of the kind {job.kind}."


def _others(body: Mapping[str, Any], job: Job) -> Iterator[str]:
    if not job.enable_email_notifications:
        for key in ("notification_emails", "notify_on_success"):
            if body.get(key):
                yield f"{key}: has no effect while enable_email_notifications is off."
    if job.environment is None:
        for key in ("environment", "environment_id"):
            if body.get(key):
                yield f"{key}: has no effect on a job of the kind {job.kind}."
    secrets = body.get("secrets")
    if isinstance(secrets, list) and sorted(map(str, secrets)) != sorted(job.secrets):
        yield "secrets: a list of names changes nothing. Write an object of names and values."


def _ending(job: Job) -> Iterator[str]:
    if job.will_not_run_again:
        until = f" until the end of {job.end_date} ({settings.SCHEDULER_TIMEZONE})" if job.end_date else ""
        yield f"This job will not run again by its schedule: it has no due time left{until}."
