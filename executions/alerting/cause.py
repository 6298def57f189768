"""Why a run failed and since when its job fails, for messages and the page of the run.

Asked only when there is news, or somebody looks. Three bounded statements: the newest runs of the job, the end of the log,
the newest version; one more where the job has not succeeded for a long time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models.functions import Right
from django.utils.translation import gettext_noop as _

from audit.models import Entry
from executions.models import Execution, LogChunk, State
from notifications.texts import Text, Words
from scheduler_site.lib.text import bare, unseen

FAILED = (State.FAILED, State.TIMEOUT, State.LOST, State.ERROR)
# Among so many of the newest rows of a job it is counted how often in a row it failed.
LOOKED_AT = 200
LINES, LONGEST_LINE, LONGEST_ERROR, LONGEST_QUOTE = 10, 300, 200, 80
# The end of the log is looked for in the last pieces, of each in its last characters.
PIECES, PIECE = 10, 4096


@dataclass(frozen=True)
class Change:
    """A version of a job, and who made it when."""

    version: int
    at: dt.datetime
    by: str


@dataclass(frozen=True)
class Cause:
    """`error` is one line. `in_a_row`: the failures of the job up to this run, itself included; where `many`, at least so many.

    `changed_version`: the newest that came between the last success and this run.
    """

    error: str
    in_a_row: int
    last_success: dt.datetime | None = None
    changed_version: Change | None = None
    # The end of the log: masked as it is stored, without escape sequences and blank lines.
    last_lines: tuple[str, ...] = ()
    many: bool = False
    # Since when `last_success` and the change are told.
    at: dt.datetime | None = None

    @property
    def summary(self) -> Words:
        """All of it in one line, in the language that is active when it is read."""
        parts = [self.error or Text(_("no error was given")), *self.history]
        line: Words = parts[0]
        for part in parts[1:]:
            line = Text(_("%(first)s; %(second)s"), first=line, second=part)
        return line

    @property
    def history(self) -> list[Words]:
        """How often in a row, the last success, the change: those that there is something to say of."""
        found: list[Words] = []
        if self.in_a_row > 1:
            found.append(Text(_("failure %(count)s in a row"), count=self.count))
        if self.last_success:
            found.append(Text(_("last success %(ago)s"), ago=ago(self.last_success, self.at)))
        elif not self.many:
            found.append(Text(_("never succeeded before")))
        if change := self.changed_version:
            text, when = _("changed in version %(number)s %(ago)s by %(user)s"), ago(change.at, self.at)
            found.append(Text(text, number=str(change.version), ago=when, user=change.by))
        return found

    @property
    def count(self) -> str:
        return f"{self.in_a_row}+" if self.many else str(self.in_a_row)


def cause(execution: Execution) -> Cause:
    """Of a run that has failed. Its job may be gone; then only the run itself is told of."""
    lines = last_lines(execution)
    many, in_a_row, success = _before(execution)
    return Cause(
        _error(execution, lines),
        in_a_row,
        success.finished_at if success else None,
        _change(execution, success),
        lines,
        many,
        execution.finished_at,
    )


def ago(moment: dt.datetime, now: dt.datetime | None) -> Text:
    """How long before `now`, in one unit."""
    seconds = max(0.0, ((now or moment) - moment).total_seconds())
    if seconds < 3600:
        return Text(_("%(count)s min ago"), count=str(int(seconds // 60)))
    if seconds < 86400:
        return Text(_("%(count)s h ago"), count=str(int(seconds // 3600)))
    if seconds < 2 * 86400:
        return Text(_("a day ago"))
    return Text(_("%(count)s days ago"), count=str(int(seconds // 86400)))


def last_lines(execution: Execution, most: int = LINES) -> tuple[str, ...]:
    """The last lines that the last attempt wrote."""
    log = LogChunk.objects.filter(execution=execution.pk, attempt=execution.attempt)
    ends = log.annotate(end=Right("text", PIECE)).order_by("-id").values_list("end", flat=True)
    text = ""
    for end in ends[:PIECES]:
        text = end + text
        if len(end) >= PIECE:
            # Its beginning was left out: so is the rest of the line in which it was cut, where a line ends after it.
            text = text.partition("\n")[2] if "\n" in text.rstrip("\n") else text
            break
    lines = [line for one in bare(text).split("\n") if (line := _shown(one, LONGEST_LINE))]
    return tuple(lines[-most:])


def _shown(line: str, longest: int) -> str:
    line = line.strip() if not line[:1].isspace() else line.rstrip()
    if unseen(line):
        line = "".join(sign for sign in line if not unseen(sign, lines=True))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _error(execution: Execution, lines: tuple[str, ...]) -> str:
    """The first line of the error. Of an answer over HTTP, whose text says more than its number, its last line as well."""
    first = next((line for line in map(str.strip, bare(execution.error).split("\n")) if line), "")
    error = _shown(first, LONGEST_ERROR)
    if (execution.response_status or 0) >= 400 and lines:
        return f"HTTP {execution.response_status}: “{_shown(lines[-1].strip(), LONGEST_QUOTE)}”"
    return error


def _before(execution: Execution) -> tuple[bool, int, Execution | None]:
    """Whether more failures may lie before those that were counted, their number, and the last success."""
    if execution.job_id is None:
        return True, 1, None
    rows = Execution.objects.filter(job=execution.job_id, due_at__lte=execution.due_at)
    rows = rows.only("state", "finished_at", "created_at", "due_at").order_by("-due_at", "-id")
    failures, seen = 1, 0
    for row in rows[:LOOKED_AT]:
        seen += 1
        if row.pk == execution.pk or (row.due_at == execution.due_at and row.pk > execution.pk):
            continue
        if row.state == State.SUCCESS:
            return False, failures, row
        failures += row.state in FAILED
    if seen < LOOKED_AT:
        return False, failures, None
    return True, failures, rows.filter(state=State.SUCCESS).first()


def _change(execution: Execution, success: Execution | None) -> Change | None:
    versions = Entry.objects.versions(execution.job_uid).filter(at__lte=execution.created_at, version__gt=1)
    if success:
        versions = versions.filter(at__gt=success.created_at)
    found = versions.order_by("-at", "-id").values_list("version", "at", "actor_name").first()
    return Change(found[0] or 0, found[1], found[2]) if found else None
