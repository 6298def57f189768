"""Environments, tasks and a month of runs out of an old Conda Task Manager.

Environments are known by their names. A task is known by the address of the old manager and its number there, a run by its id:
by these a second import knows what is here already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Category
from audit.record import Actor
from compat.conda_tasks.payload import POLICIES
from compat.conda_tasks.requirements import lines
from compat.importers.conda_tasks_client import OldManager, moment, printable, text
from compat.importers.conda_tasks_runs import Runs
from compat.importers.report import TIMES, Row
from environments import available_backends
from environments import verbs as environments
from environments.backends import validators
from environments.backends.base import Invalid
from environments.errors import Refused
from environments.models import Environment
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import NEVER, Timing
from jobs.runners import clean_options
from jobs.schedule import ScheduleError, parse_cron
from jobs.schedule_text import preview
from jobs.verbs import JobChanges

PAUSED = "Paused when it was moved here."
LONGEST_NAME = 200
# What an environment has of itself.
OWN = frozenset({"python", "pip", "setuptools", "wheel"})
# Conda's own environment, in which a task could run: here that is a name of an environment which somebody has to make.
BASE = {"base": "conda-base", "root": "conda-base"}


class Import:
    """Reads everything first; `apply` then writes it. `rows` is the report."""

    def __init__(
        self,
        old: OldManager,
        now: dt.datetime,
        zone: str,
        *,
        backend: str = "",
        register: str = "",
        with_history: bool = True,
    ) -> None:
        self._url, self._now, self._zone = old.url, now, ZoneInfo(zone)
        self._backend, self._register = backend or available_backends.default_backend(), register
        self.rows: list[Row] = []
        self._steps: list[Callable[[Actor], None]] = []
        self._names = set(Job.objects.values_list("name", flat=True))
        self._runs = Runs(self._zone) if with_history else None
        for found in old.environments():
            self._read_environment(found)
        for found in old.tasks():
            self._read_task(found)
        if self._runs:
            self.rows.append(self._runs.row())

    @transaction.atomic
    def apply(self, by: Actor) -> None:
        """All that is new, or nothing."""
        for step in self._steps:
            step(by)
        if self._runs:
            self._runs.apply()

    # Environments --------------------------------------------------------------------------------------------------

    def _read_environment(self, old: Mapping[str, Any]) -> None:
        name = text(old.get("name"))
        row = Row("environment", printable(name))
        self.rows.append(row)
        if name in BASE:
            row.fate = "here"
            row.notes.append("Conda's own installation is left alone.")
        elif Environment.objects.existing().filter(name=name).exists():
            row.fate = "here"
        else:
            try:
                validators.environment_name(name)
                self._steps.append(
                    self._registered(name, row) if self._register else self._remade(old, name, row)
                )
            except (Invalid, Refused) as error:
                row.fate = "error"
                row.notes.append(str(error))

    def _registered(self, name: str, row: Row) -> Callable[[Actor], None]:
        prefix = str(Path(self._register, name))
        if not any(found.prefix == prefix for found in available_backends.discovered()):
            raise Invalid(f"{prefix} is no environment of the installed Conda; see CONDA_EXE.")
        row.notes.append(f"It is registered where it lies, {prefix}.")

        def step(by: Actor) -> None:
            environments.register(prefix, name, by=by)

        return step

    def _remade(self, old: Mapping[str, Any], name: str, row: Row) -> Callable[[Actor], None]:
        python, specs = series(text(old.get("python_version"))), packages(old.get("packages"))
        backend = self._backend
        validators.python_version(python)
        validators.specs(specs, conda=backend != Environment.Backend.PYPI)
        row.notes.append(
            f"A system worker makes it: Python {python or 'as usual'}, {backend} packages: {len(specs)}."
        )

        def step(by: Actor) -> None:
            environments.create(name, python=python, packages=specs, backend=backend, by=by)

        return step

    # Tasks ---------------------------------------------------------------------------------------------------------

    def _read_task(self, old: Mapping[str, Any]) -> None:
        name = text(old.get("task_name")).strip()[:LONGEST_NAME] or f"task {old['task_id']}"
        row = Row("task", f"{printable(name)} ({old['task_id']})", zone=str(self._zone))
        self.rows.append(row)
        uid = uuid5(NAMESPACE_URL, f"{self._url}/api/tasks/{old['task_id']}")
        if Job.objects.filter(uid=uid).exists():
            row.fate = "here"
        else:
            try:
                self._new_task(old, name, uid, row)
            except (Invalid, ScheduleError, ValidationError) as error:
                row.fate = "error"
                messages = error.messages if isinstance(error, ValidationError) else [str(error)]
                row.notes.append(f"It cannot be imported: {' '.join(messages)}")
                return
        if self._runs:
            self._runs.read(uid, old["runs"])

    def _new_task(self, old: Mapping[str, Any], name: str, uid: UUID, row: Row) -> None:
        environment, timing = self._environment(old, row), self._timing(old, row)
        values = POLICIES | {
            "uid": uid,
            "name": self._free(name, row),
            "kind": Job.Kind.SCRIPT,
            "options": options(old, row),
        }
        written = text(old.get("cron_expression")).strip()
        if timing.kind == "cron":
            values["client_form"] = {"cron": written, "cron_stored": timing.expression}
        paused = timing.kind != "none" and old.get("status") == "paused"
        if paused:
            row.notes.append("It is paused.")
        if (schedule := timing.schedule()) is not None:
            row.after = row.before = [slot.at for slot in preview(schedule, self._now, TIMES)]

        def step(by: Actor) -> None:
            more = {
                "environment": environments.named(environment),
                "category": (by.user and by.user.category) or Category.general(),
            }
            job = verbs.create(JobChanges(values | more, timing), by=by, tell=False)
            if paused:
                verbs.pause(job, by=by, reason=PAUSED)

        self._steps.append(step)

    def _environment(self, old: Mapping[str, Any], row: Row) -> str:
        name = text(old.get("conda_env"))
        if name in BASE:
            row.notes.append(f"It ran in Conda's own environment: make one named {BASE[name]} for it.")
        return validators.environment_name(BASE.get(name, name))

    def _timing(self, old: Mapping[str, Any], row: Row) -> Timing:
        if expression := text(old.get("cron_expression")).strip():
            found = parse_cron(expression, str(self._zone), now=self._now)
            return Timing("cron", found.expression, found.timezone)
        due = moment(old.get("next_run_time") or old.get("next_run_time_formatted"), self._zone)
        if due is None or old.get("status") not in ("scheduled", "paused"):
            return NEVER
        if due <= self._now:
            row.notes.append("Its time has passed: it runs only when somebody starts it.")
            return NEVER
        return Timing("once", at=due)

    def _free(self, name: str, row: Row) -> str:
        free, number = name, 2
        while free in self._names:
            end = f" ({number})"
            free, number = f"{name[: LONGEST_NAME - len(end)]}{end}", number + 1
        self._names.add(free)
        if free != name:
            row.notes.append(f"Its name is taken: here it will be {printable(free)}.")
        return free


def options(old: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """The script, by its path where it was named so, and the requirements. Raises ValidationError."""
    script = text(old.get("script_path"))
    by_path = script.endswith(".py") and len(script.splitlines()) == 1 and " " not in script
    found = clean_options(Job.Kind.SCRIPT, {"path" if by_path else "script": script})
    required = text(old.get("requirements"))
    if not lines(required):
        return found
    try:
        return clean_options(Job.Kind.SCRIPT, found | {"requirements": required})
    except ValidationError as error:
        row.notes.append(f"Its requirements are left out: {' '.join(error.messages)}")
        return found


def packages(value: Any) -> list[str]:
    """`name==version` of each, whether it came as a text or in parts; without what every environment has."""
    found: dict[str, str] = {}
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            name, version = text(one.get("name")), text(one.get("version"))
            spec = f"{name}=={version}" if version else name
        else:
            spec = text(one)
            name = spec.partition("=")[0]
        if spec and name.strip().lower() not in OWN:
            found.setdefault(name.strip().lower(), spec)
    return list(found.values())


def series(version: str) -> str:
    """`3.11` of 3.11.7: the very version may not be to be had any more."""
    parts = version.strip().removeprefix("Python ").split(".")
    return ".".join(parts[:2]) if len(parts) > 1 else ""
