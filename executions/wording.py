"""What people are told, word for word. Subjects and texts of failure and success are those of the v2 README."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.conf import settings

from jobs.models import Job
from notifications.messages import Message

# A summary names so many jobs.
NAMED = 20
REVIEW = "Please review your job configuration and logs to identify and resolve the issue."
NOTHING_TO_DO = "No action is required. This is an informational notification."


def failed(name: str, uid: str, run: str, error: str, mention: str = "") -> Message:
    return Message(
        f"🔴 Job Failure Alert: {name}",
        "Job Execution Failed",
        [("Job Name", name), ("Job ID", uid), ("Error", error or "unknown")],
        REVIEW,
        f"/executions/{run}",
        mention,
        title="Job Failed",
        note=f"Job '{name}' failed: {error or 'unknown'}",
    )


def succeeded(name: str, uid: str, run: str, seconds: float) -> Message:
    return Message(
        f"✅ Job Success: {name}",
        "Job Completed Successfully",
        [("Job Name", name), ("Job ID", uid), ("Duration", f"{seconds:.2f} seconds")],
        NOTHING_TO_DO,
        f"/executions/{run}",
        title="Job Completed",
        note=f"Job '{name}' completed successfully in {seconds:.2f} seconds",
    )


def missed(job: Job, slots: int, made_up: int, first: dt.datetime, last: dt.datetime) -> Message:
    several = ("Due times", f"{slots}, from {when(first)} to {when(last)}")
    facts = [("Due", when(first)) if slots == 1 else several]
    if made_up:
        facts.append(("Made up for", f"{made_up} of {slots}, by one run for the latest"))
    return _about(job, f"🔴 Job Missed: {job.name}", "Job Missed", facts)


def late(job: Job, due: dt.datetime) -> Message:
    facts = [("Due", when(due)), ("Start by", f"{job.start_by} seconds after that")]
    return _about(job, f"🟠 Job Late: {job.name}", "Job Late", facts)


def overrun(job: Job, started: dt.datetime) -> Message:
    facts = [("Started", when(started)), ("Finish by", f"{job.finish_by} seconds after that")]
    return _about(job, f"🟠 Job Takes Too Long: {job.name}", "Job Takes Too Long", facts)


def recovered(job: Job, what: str, since: dt.datetime) -> Message:
    facts = [("Was", f"{what}, since {when(since)}")]
    return _about(job, f"✅ Job Recovered: {job.name}", "Job Recovered", facts, NOTHING_TO_DO)


def summary(mark: str, headline: str, lines: Sequence[str], path: str) -> Message:
    """One message for many jobs: those that come first by name, and how many there are beside them."""
    shown = sorted(lines)[:NAMED]
    if more := len(lines) - len(shown):
        shown.append(f"and {more} more")
    return Message(f"{mark} {headline}", headline, [("Jobs", "\n".join(shown))], "", path, title=headline)


def auto_paused(job: Job, mention: str) -> Message:
    facts = [("Last day", str(job.end_date))]
    title = "Job auto-paused (end date passed)"
    note = f"Job '{job.name}' was paused: its end date {job.end_date} has passed."
    path = f"/jobs/{job.uid}/edit"
    return Message(
        f"{title}: {job.name}", title, [("Job Name", job.name), *facts], "", path, mention, title, note
    )


def ending_soon(job: Job, mention: str) -> Message:
    facts = [("Job Name", job.name), ("Last day", str(job.end_date))]
    title = "Job ending soon"
    note = f"Job '{job.name}' ends on {job.end_date}. Give it a later end date if it is still needed."
    return Message(f"{title}: {job.name}", title, facts, "", f"/jobs/{job.uid}/edit", mention, title, note)


def system_silent(name: str, detail: str, since: dt.datetime) -> Message:
    title = f"Belfry: {name} is silent"
    facts = [("What", f"{name}: {detail}"), ("Since", when(since))]
    return Message(f"🔴 {title}", title, facts, "", "/", title=title)


def system_recovered(name: str, since: dt.datetime) -> Message:
    title = f"Belfry: {name} is back"
    return Message(f"✅ {title}", title, [("Was away since", when(since))], NOTHING_TO_DO, "/", title=title)


def outage(since: dt.datetime, until: dt.datetime) -> Message:
    title = "Belfry did not work for a while"
    facts = [
        ("From", when(since)),
        ("To", when(until)),
        ("Minutes", f"{(until - since).total_seconds() / 60:.0f}"),
    ]
    closing = (
        "No process was alive. What fell due meanwhile was made up for, or stands in the ledger as missed."
    )
    return Message(f"🔴 {title}", title, facts, closing, "/executions?state=missed", title=title)


def when(moment: dt.datetime) -> str:
    """Local to the scheduler's zone, which is named."""
    return f"{moment.astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE)):%Y-%m-%d %H:%M:%S} {settings.SCHEDULER_TIMEZONE}"


def _about(
    job: Job, subject: str, title: str, facts: list[tuple[str, str]], closing: str = REVIEW
) -> Message:
    told = [("Job Name", job.name), ("Job ID", str(job.uid)), *facts]
    mention = job.team.slack_handle if job.team else ""
    note = "\n".join([f"Job '{job.name}'", *(f"{label}: {value}" for label, value in facts)])
    return Message(subject, title, told, closing, f"/jobs/{job.uid}", mention, title, note)
