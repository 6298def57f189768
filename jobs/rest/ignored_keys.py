"""Warnings in an answer: known keys of the request that have no effect on this job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from django.conf import settings

from jobs import schedule_text
from jobs.changes.secret_targets import unused
from jobs.forms.targets import GITHUB_KEYS, TARGET_KINDS, shorthand, target
from jobs.forms.timing import SCHEDULE, SCHEDULE_OF
from jobs.models import Job
from jobs.rest.wire import read_moment, schedule_json
from jobs.runners import RUNNERS

# What a body may say in two places, by what it is about.
TWICE = {
    "expression": ("cron_expression", "schedule.expression"),
    **{name: (name, f"schedule.{name}") for name in SCHEDULE[1:]},
    "target_url": ("target_url", "options.target_url"),
    **{key: (key, f"options.{option}") for key, option in GITHUB_KEYS.items()},
    "environment": ("environment", "environment_id"),
    "pic_team": ("pic_team", "pic_team_slug"),
}


def notes(body: Mapping[str, Any], job: Job, before: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Of a job as it is stored after the change; `before`: what was stored of it (`stored`), which a body may repeat."""
    return (
        *_steps(job),
        *_schedule(body, job),
        *_twice(body, stored(job), before or {}),
        *_target(body, job),
        *_others(body, job),
        *_ending(job),
    )


def stored(job: Job) -> dict[str, tuple[Any, ...]]:
    """What a job says of all that a body may say twice, in all spellings."""
    schedule, told = schedule_json(job.timing), target(job.kind, job.options)
    places: dict[str, tuple[Any, ...]] = {name: (schedule[name],) for name in ("kind", *SCHEDULE)}  # type: ignore[literal-required]
    places |= {key: (told[key],) for key in ("target_url", *GITHUB_KEYS)}  # type: ignore[literal-required]
    environment, team = job.environment, job.team
    places["environment"] = (environment.name, str(environment.uid)) if environment else ()
    places["pic_team"] = (team.slug, team.name) if team else ()
    return places


def _twice(body: Mapping[str, Any], now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """Of two places that say different things one is not what was stored; what was stored before came of reading it."""
    kind = now["kind"][0]
    for name, ways in TWICE.items():
        if name in SCHEDULE and name not in SCHEDULE_OF[kind]:
            continue
        given = {way: value for way in ways if (value := _at(body, way)) not in (None, "")}
        if len(given) == 2 and len({_spelled(value) for value in given.values()}) == 2:
            known = {_spelled(value) for value in (*now[name], *before.get(name, ()))}
            for way, other in (ways, ways[::-1]):
                if _spelled(given[way]) not in known:
                    yield f"{way}: ignored, since {other} says something else."
    for way in ("schedule_kind", "schedule.kind"):
        if _at(body, way) not in (None, "", kind, *before.get("kind", ())):
            yield f"{way}: ignored, the schedule is of the kind {kind}."
    old = {_spelled(value) for value in before.get("expression", ())}
    if kind != "cron" and body.get("cron_expression") and _spelled(body["cron_expression"]) not in old:
        yield f"cron_expression: has no effect on a schedule of the kind {kind}."


def _at(body: Mapping[str, Any], way: str) -> Any:
    whole, _dot, part = way.partition(".")
    value = body.get(whole)
    return value.get(part) if part and isinstance(value, Mapping) else None if part else value


def _spelled(value: Any) -> str:
    """One spelling of a value: blanks do not count, and a moment is one in every zone."""
    text = " ".join(str(value).split())
    try:
        return (
            read_moment(text, settings.SCHEDULER_TIMEZONE).astimezone(UTC).isoformat()
            if "T" in text
            else text
        )
    except ValueError:
        return text


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
    if isinstance(secrets, dict):
        for name in filter(secrets.get, unused(job)):
            used = ", ".join(sorted(RUNNERS[job.kind].secret_names or ())) or "none"
            yield f"secrets.{name}: has no effect on a job of the kind {job.kind}. It uses {used}."


def _ending(job: Job) -> Iterator[str]:
    if job.will_not_run_again:
        until = f" until the end of {job.end_date} ({settings.SCHEDULER_TIMEZONE})" if job.end_date else ""
        yield f"This job will not run again by its schedule: it has no due time left{until}."
