"""Rows as the JSON of this dialect: pure functions, apart from what the rows bring along."""

from __future__ import annotations

import datetime as dt
from typing import TypedDict
from zoneinfo import ZoneInfo

from django.conf import settings

from compat.conda_tasks.task_status import Task, run_status
from environments.models import Environment
from executions.models import OPEN, Execution, State
from jobs.models import Job

MEGABYTE = 1024 * 1024
GIGABYTE = 1024**3
TIME = "%Y-%m-%d %H:%M:%S"


# Tasks -----------------------------------------------------------------------------------------------------------------


class TaskFacts(TypedDict):
    task_id: int
    task_name: str
    status: str
    script_path: str
    conda_env: str
    created_at: str | None
    cron_expression: str | None


class ShownTask(TaskFacts):
    next_run_time: str | None
    last_run_time: str | None
    last_run_duration: float | None
    requirements: str | None
    updated_at: str | None


class ListedTask(TaskFacts):
    next_run_time_formatted: str | None
    last_run_time_formatted: str | None
    last_run_duration_formatted: float | None
    completed_at: str | None


class ChangedTask(TypedDict):
    task_id: int
    task_name: str
    status: str
    previous_status: str


def task_json(task: Task) -> ShownTask:
    """As the answers to a creation, a look and a change show it."""
    last, ended = task.last, task.ended
    return {
        **_common(task),
        "next_run_time": moment(task.next_run_at),
        "last_run_time": moment(last.started_at if last else None),
        "last_run_duration": duration(ended),
        "requirements": task.job.options.get("requirements") or None,
        "updated_at": moment(task.job.updated_at),
    }


def listed_json(task: Task) -> ListedTask:
    """As the list shows it."""
    last, ended = task.last, task.ended
    return {
        **_common(task),
        "next_run_time_formatted": moment(task.next_run_at),
        "last_run_time_formatted": moment(last.started_at if last else None),
        "last_run_duration_formatted": duration(ended),
        "completed_at": moment(ended.finished_at if ended else None),
    }


def _common(task: Task) -> TaskFacts:
    job = task.job
    return {
        "task_id": job.pk,
        "task_name": job.name,
        "status": task.status,
        "script_path": script_of(job),
        "conda_env": job.environment.name if job.environment else "",
        "created_at": moment(job.created_at),
        "cron_expression": cron_of(job),
    }


def script_of(job: Job) -> str:
    """Its path, or its text."""
    return str(job.options.get("path") or job.options.get("script") or "")


def cron_of(job: Job) -> str | None:
    """As a client wrote it, as long as the schedule is what was made of it."""
    timing, client_form = job.timing, job.client_form
    if timing.kind != "cron":
        return None
    written = client_form.get("cron") if client_form.get("cron_stored") == timing.expression else None
    return str(written or timing.expression)


def changed_json(task: Task, previous: str) -> ChangedTask:
    """What stopping, starting, pausing and resuming answer with."""
    return {
        "task_id": task.job.pk,
        "task_name": task.job.name,
        "status": task.status,
        "previous_status": previous,
    }


# Runs ------------------------------------------------------------------------------------------------------------------


class ShownRun(TypedDict):
    execution_id: str
    start_time: str | None
    end_time: str | None
    status: str
    duration: float | None
    peak_memory: float | None
    avg_memory: float | None
    exit_code: int | None
    logs: str


def run_json(run: Execution, logs: str) -> ShownRun:
    return {
        "execution_id": str(run.uid),
        "start_time": moment(started(run)),
        "end_time": moment(run.finished_at),
        "status": run_status(run),
        "duration": duration(run),
        "peak_memory": megabytes(run.peak_memory),
        "avg_memory": megabytes(run.mean_memory),
        "exit_code": exit_code(run),
        "logs": logs,
    }


def started(run: Execution) -> dt.datetime:
    """What could not be started counts from its due time."""
    return run.started_at or run.due_at


def exit_code(run: Execution) -> int | None:
    """A run that was stopped has none, or the number of the signal: what it says while it is ended does not count."""
    if run.state == State.STOPPED and run.exit_code is not None and run.exit_code >= 0:
        return None
    return run.exit_code


def explained(run: Execution, text: str, where: Environment | None) -> str:
    """What a run wrote, and a line that says how it ended where its output does not. `where` is its task's environment."""
    if run.is_open or run.state == State.SUCCESS or not (told := _explanation(run, text)):
        return text
    if where is not None:
        # A run knows its environment by an id, this dialect by its name.
        told = told.replace(f"environment {where.uid.hex} ", f"environment '{where.name}' ")
    return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}[{told}]\n"


def _explanation(run: Execution, text: str) -> str:
    reason = str(run.get_reason_display()) or run.state
    if run.error and run.error not in text:
        return run.error
    return reason if run.state == State.STOPPED or not text.strip() else ""


def without_overwritten(text: str) -> str:
    """Of each line what stands after its last carriage return: of a progress bar its last state."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


# Numbers and times -----------------------------------------------------------------------------------------------------


def zone() -> ZoneInfo:
    return ZoneInfo(settings.SCHEDULER_TIMEZONE)


def moment(at: dt.datetime | None) -> str | None:
    """In the zone of the scheduler."""
    return at.astimezone(zone()).strftime(TIME) if at else None


def day(at: dt.datetime) -> str:
    return at.astimezone(zone()).strftime("%Y-%m-%d")


def duration(run: Execution | None) -> float | None:
    """Seconds, of what has ended; what never began took none."""
    if run is None or run.state in OPEN:
        return None
    return round(run.duration or 0.0, 3)


def megabytes(size: float | None) -> float | None:
    return None if size is None else round(size / MEGABYTE, 2)


def gigabytes(size: float | None) -> float:
    return round((size or 0) / GIGABYTE, 2)


def percent(part: float, whole: float) -> int:
    """Half a percent is rounded up."""
    return int(100 * part / whole + 0.5) if whole else 0
