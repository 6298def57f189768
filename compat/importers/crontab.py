"""Jobs out of a crontab, as Debian's cron reads it (crontab(5)).

A line of a crontab is a text for a shell; so its job calls that shell, with the text as one argument.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from accounts.models import Category
from audit.record import Actor
from compat.importers.crontab_lines import Line, arguments, lines, looks_like_users
from compat.importers.crontab_notes import addresses, home_of, name_of, notes
from compat.importers.report import TIMES, Row
from jobs import verbs
from jobs.models import LONGEST_DESCRIPTION, Job
from jobs.models.stored_schedule import Timing
from jobs.schedule import Cron, ScheduleError, parse_cron
from jobs.schedule_text import preview

SHELL_JOB = "jobs.classes.shell.ShellJob"
# Ids of jobs are made of their lines: the same line of the same crontab is the same job.
NAMESPACE = UUID("0e5bb1a2-8c0c-5c0a-9d7e-2f4b6a1c7d90")
FROM_CRONTAB = "Imported switched off."
# Of a name: room for the source and a number behind it.
LONGEST_SOURCE = 80


@dataclass(frozen=True)
class Choices:
    """What a crontab does not say of itself.

    source: whose crontab it is. named: whether a person said so; otherwise jobs that were imported before crontabs had
    sources are taken for those of this one. user_column: None means guess. home: HOME, where the crontab sets none.
    """

    source: str
    timezone: str
    named: bool = False
    user_column: bool | None = None
    home: str = ""
    disabled: bool = False


class Import:
    """Reads the whole file first; `apply` then makes the jobs. `rows` is the report, `remarks` are about all of it."""

    def __init__(self, text: str, now: dt.datetime, choices: Choices) -> None:
        self._now, self._choices = now, choices
        self.rows: list[Row] = []
        self.remarks = [f"Source: {choices.source}."]
        self._jobs: list[verbs.JobChanges] = []
        self._names = {name.casefold() for name in Job.objects.values_list("name", flat=True)}
        self._own: set[str] = set()
        guessed = choices.user_column is None and looks_like_users(text)
        if guessed:
            self.remarks.append("The sixth field is taken for an account, as in /etc/crontab (guessed).")
        found = list(lines(text, user_column=guessed or bool(choices.user_column), home=choices.home))
        if any("MAILTO" not in line.environment for line in found):
            self.remarks.append(
                "Without MAILTO cron mailed the account of the crontab; here nobody is mailed."
            )
        seen: dict[str, int] = {}
        for line in found:
            seen[line.text] = seen.get(line.text, 0) + 1
            self._read(line, seen[line.text])

    @transaction.atomic
    def apply(self, by: Actor) -> None:
        """All that is new, or nothing."""
        category = by.user.category if by.user else None
        for changes in self._jobs:
            changes.values["category"] = category or Category.general()
            job = verbs.create(changes, by=by, tell=False)
            if self._choices.disabled:
                verbs.pause(job, by=by, reason=FROM_CRONTAB)

    def _read(self, line: Line, copy: int) -> None:
        row = Row(f"line {line.number}", line.text)
        self.rows.append(row)
        try:
            if line.fault:
                raise ScheduleError(line.fault)
            zone = line.environment.get("CRON_TZ", self._choices.timezone)
            schedule = parse_cron(line.expression, zone, now=self._now)
        except ScheduleError as error:
            row.fate, row.notes = "error", [str(error)]
            return
        uid = uuid5(NAMESPACE, f"{self._choices.source}\n{copy} {line.text}")
        if job := self._known(row, uid, f"{copy} {line.text}"):
            row.fate = "here"
            row.notes += _differences(job, line, schedule)
            return
        self._describe(row, line, schedule)
        values = {"uid": uid} | self._values(line)
        row.notes.insert(0, f"job: {values['name']}")
        timing = Timing("cron", schedule.expression, schedule.timezone, schedule.day_rule)
        self._jobs.append(verbs.JobChanges(values, timing))

    def _known(self, row: Row, uid: UUID, text: str) -> Job | None:
        """The job of this line, also when it was imported before crontabs had sources: then lines were known by their text."""
        if job := Job.objects.filter(uid=uid).first():
            return job
        earlier = Job.objects.filter(uid=uuid5(NAMESPACE, text)).first()
        if earlier is None or not self._choices.named:
            return earlier
        row.notes.append(
            f"The same line was imported before crontabs had sources, as “{earlier.name}”. If that was this crontab, "
            "leave the source out: otherwise both run."
        )
        return None

    def _describe(self, row: Row, line: Line, schedule: Cron) -> None:
        row.zone = schedule.timezone
        row.after = [slot.at for slot in preview(schedule, self._now, TIMES)]
        # Debian's cron knows one zone, that of the machine; our schedules follow its rules (jobs/schedule).
        debian = replace(schedule, timezone=self._choices.timezone)
        row.before = [slot.at for slot in preview(debian, self._now, TIMES)]
        row.notes += notes(line)
        if len(line.comment) > LONGEST_DESCRIPTION:
            row.notes.append(f"Of the comment above it the first {LONGEST_DESCRIPTION} characters are kept.")

    def _values(self, line: Line) -> dict[str, Any]:
        receivers = addresses(line.environment.get("MAILTO", ""))
        home = home_of(line)
        return {
            "name": self._name(line),
            "description": line.comment[:LONGEST_DESCRIPTION],
            "kind": Job.Kind.PYTHON_CLASS,
            # An exit code other than 0 is a failure: nothing said of it means that.
            "options": {"job_class": SHELL_JOB, "args": arguments(line)}
            | ({"working_directory": home} if home else {}),
            # Cron starts a run whether or not the one before has ended, and makes nothing up.
            "overlap": Job.Overlap.ALLOW,
            "catch_up": Job.CatchUp.LAST,
            "enable_email_notifications": bool(receivers),
            "notification_emails": receivers,
        }

    def _name(self, line: Line) -> str:
        """Its own; with the source where a job from elsewhere has it; with a number where that is not enough."""
        wanted = name_of(line)
        if wanted.casefold() in self._names - self._own:
            wanted = f"{wanted} ({self._choices.source[:LONGEST_SOURCE]})"
        name, copy = wanted, 1
        while name.casefold() in self._names:
            copy += 1
            name = f"{wanted} ({copy})"
        self._names.add(name.casefold())
        self._own.add(name.casefold())
        return name


def _differences(job: Job, line: Line, schedule: Cron) -> list[str]:
    """Signs that a line belongs to another machine, whose crontab needs its own source."""
    differing = []
    if job.options.get("args") != arguments(line):
        differing.append("its command or variables")
    if (job.timing.expression, job.timing.timezone) != (schedule.expression, schedule.timezone):
        differing.append("its times or zone")
    if job.notification_emails != addresses(line.environment.get("MAILTO", "")):
        differing.append("its addresses")
    if not differing:
        return []
    return [
        f"The job “{job.name}” differs from it in {', '.join(differing)}, and stays as it is. If this is the crontab "
        "of another machine, give it a source of its own (--source)."
    ]
