"""Jobs out of a crontab, as Debian's cron reads it (crontab(5)).

A line of a crontab is a text for a shell; so its job calls that shell, with the text as one argument.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Category
from audit.record import By
from compat.moving.report import TIMES, Row
from jobs import verbs
from jobs.models import Job
from jobs.schedule import Cron, ScheduleError, parse_cron
from jobs.schedule.cron import MACROS
from jobs.timetable import Timing
from jobs.wording import preview

SHELL_JOB = "jobs.classes.shell.ShellJob"
SHELL = "/bin/sh"
# Ids of jobs are made of their lines: the same line is the same job.
NAMESPACE = UUID("0e5bb1a2-8c0c-5c0a-9d7e-2f4b6a1c7d90")
LONGEST_NAME = 100
FROM_CRONTAB = "Imported switched off."
VALUE_WITH_STEP = re.compile(r"(?<![-\w])[0-9A-Za-z]+/[0-9]+")
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\"[^\"]+\"|'[^']+')\s*=\s*(.*)")


@dataclass(frozen=True)
class Line:
    """One job of a crontab, with the variables that were set before it."""

    number: int
    text: str
    expression: str = ""
    command: str = ""
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def lines(text: str, *, user_column: bool = False) -> Iterator[Line]:
    """The jobs of a crontab; `user_column` for /etc/crontab, whose sixth field is an account."""
    environment: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip(" \t")
        if not line or line.startswith("#"):
            continue
        if setting := _SETTING.fullmatch(line):
            environment = environment | {_unquoted(setting[1]): _unquoted(setting[2].strip())}
            continue
        yield _job(Line(number, line, environment=environment), user_column)


def _job(line: Line, user_column: bool) -> Line:
    count = 1 if line.text.startswith("@") else 5
    parts = line.text.split(None, count + user_column)
    if len(parts) < count + user_column + 1:
        return replace(line, fault="It has too few fields.")
    expression, command = " ".join(parts[:count]), parts[-1]
    user = parts[count] if user_column else ""
    if expression.lower() == "@reboot":
        return replace(
            line, fault="@reboot is not a time: such a job is better kept where machines are started."
        )
    if expression.lower() in MACROS:
        expression = expression.lower()
    return replace(line, expression=expression, command=command, user=user)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text


def split_input(command: str) -> tuple[str, str | None]:
    """The command, and what it reads: an unescaped `%` ends the one, further ones end lines of the other."""
    parts = re.split(r"(?<!\\)%", command)
    first, *rest = (part.replace("\\%", "%") for part in parts)
    return first, "\n".join(rest) if rest else None


def arguments(line: Line) -> list[str]:
    """What the shell job runs."""
    command, text = split_input(line.command)
    shell = line.environment.get("SHELL", SHELL)
    kept = {
        name: value for name, value in line.environment.items() if name not in ("MAILTO", "CRON_TZ", "SHELL")
    }
    before = ["env", *(f"{name}={value}" for name, value in sorted(kept.items()))] if kept else []
    if text is None:
        return [*before, shell, "-c", command]
    return [*before, SHELL, "-c", 'printf "%s\\n" "$1" | "$2" -c "$3"', "crontab", text, shell, command]


class Import:
    """Reads the whole file first; `apply` then makes the jobs. `rows` is the report."""

    def __init__(
        self, text: str, now: dt.datetime, timezone: str, *, user_column: bool = False, disabled: bool = False
    ) -> None:
        self._now, self._timezone, self._disabled = now, timezone, disabled
        self.rows: list[Row] = []
        self._drafts: list[verbs.Draft] = []
        self._names = set(Job.objects.values_list("name", flat=True))
        seen: dict[str, int] = {}
        for line in lines(text, user_column=user_column):
            seen[line.text] = seen.get(line.text, 0) + 1
            self._read(line, seen[line.text])

    @property
    def faulty(self) -> bool:
        return any(row.fate == "error" for row in self.rows)

    @transaction.atomic
    def apply(self, by: By) -> None:
        """All that is new, or nothing."""
        category = by.user.category if by.user else None
        for draft in self._drafts:
            draft.values["category"] = category or Category.general()
            job = verbs.create(draft, by=by, tell=False)
            if self._disabled:
                verbs.pause(job, by=by, reason=FROM_CRONTAB)

    def _read(self, line: Line, copy: int) -> None:
        row = Row(f"line {line.number}", line.text)
        self.rows.append(row)
        try:
            if line.fault:
                raise ScheduleError(line.fault)
            if match := VALUE_WITH_STEP.search(line.expression):
                raise ScheduleError(
                    f"Crons differ on {match[0]}: write a range with a step, or the value alone."
                )
            zone = line.environment.get("CRON_TZ", self._timezone)
            schedule = parse_cron(line.expression, zone, now=self._now)
        except ScheduleError as error:
            row.fate, row.notes = "error", [str(error)]
            return
        uid = uuid5(NAMESPACE, f"{copy} {line.text}")
        if Job.objects.filter(uid=uid).exists():
            row.fate = "here"
            return
        self._describe(row, line, schedule)
        self._drafts.append(verbs.Draft({"uid": uid} | self._values(line), _timing(schedule)))

    def _describe(self, row: Row, line: Line, schedule: Cron) -> None:
        row.zone = schedule.timezone
        row.after = [slot.at for slot in preview(schedule, self._now, TIMES)]
        # Debian's cron knows one zone, that of the machine; our schedules follow its rules (jobs/schedule).
        debian = replace(schedule, timezone=self._timezone)
        row.before = [slot.at for slot in preview(debian, self._now, TIMES)]
        if line.user:
            row.notes.append(f"It ran as {line.user}; here it runs as the account of the workers.")
        if "CRON_TZ" in line.environment:
            row.notes.append("CRON_TZ is followed here; Debian's cron pays no heed to it.")
        if addresses := line.environment.get("MAILTO", ""):
            row.notes.append(f"Failures are mailed to {addresses}; cron mailed every output.")

    def _values(self, line: Line) -> dict[str, Any]:
        addresses = _addresses(line.environment.get("MAILTO", ""))
        return {
            "name": self._name(line),
            "kind": Job.Kind.PYTHON_CLASS,
            "options": {"job_class": SHELL_JOB, "args": arguments(line)},
            # Cron starts a run whether or not the one before has ended, and makes nothing up.
            "overlap": Job.Overlap.ALLOW,
            "catch_up": Job.CatchUp.LAST,
            "enable_email_notifications": bool(addresses),
            "notification_emails": addresses,
        }

    def _name(self, line: Line) -> str:
        wanted = split_input(line.command)[0].strip()[:LONGEST_NAME] or f"line {line.number}"
        name, copy = wanted, 1
        while name in self._names:
            copy += 1
            name = f"{wanted} ({copy})"
        self._names.add(name)
        return name


def _timing(schedule: Cron) -> Timing:
    return Timing("cron", schedule.expression, schedule.timezone, schedule.day_rule)


def _addresses(text: str) -> list[str]:
    """Those that are addresses of e-mail; names of accounts on the machine are not."""
    found = []
    for address in (part.strip() for part in text.split(",")):
        try:
            validate_email(address)
        except ValidationError:
            continue
        found.append(address)
    return found
