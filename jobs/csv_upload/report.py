"""Judges all rows of a file, and makes the jobs of the good ones unless it is a dry run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, NotRequired, TypedDict

from django.db import DatabaseError, IntegrityError
from django.utils.translation import gettext as _

from accounts.models import slugify
from audit.record import Actor
from jobs import verbs
from jobs.csv_upload.rows import judge, unused
from jobs.csv_upload.table import BulkStats, Row, Table
from jobs.forms.errors import FieldError
from jobs.models import Job
from jobs.runners.addresses import one_lookup_each
from jobs.verbs import JobChanges
from scheduler_site.rest.schema_types import Day, Uid, Warnings

# All names of a file together; what is not resolved by then is checked when the job calls it, as always.
RESOLVE_SECONDS = 5.0
# Rows are numbered as a spreadsheet shows them once blank rows are gone: the header is the first.
FIRST_ROW = 2


class BulkFault(TypedDict):
    """A row that gave no job."""

    row: Annotated[int, "Its number; the header is 1, blank rows are not counted."]
    job_name: NotRequired[Annotated[str, "The name in it."]]
    error: Annotated[str, "The label of what is wrong."]
    message: NotRequired[Annotated[str, "The reason, for people."]]
    pic_team: NotRequired[Annotated[str, "The team in it, where that is what is wrong."]]
    pic_team_slug: NotRequired[Annotated[str, "The same as a slug."]]


class BulkJob(TypedDict):
    """A job that was made, or in a dry run would have been."""

    id: NotRequired[Annotated[Uid, "Its id; not in a dry run."]]
    name: Annotated[str, "Its name."]
    is_active: Annotated[bool, "Whether its schedule is in force."]
    cron_expression: NotRequired[Annotated[str, "Its schedule; in a dry run."]]
    end_date: NotRequired[Annotated[Day | None, "Its last day; in a dry run."]]
    pic_team: NotRequired[Annotated[str | None, "The slug of its team; in a dry run."]]


class BulkReport(TypedDict):
    """What became of the rows."""

    error: NotRequired[Annotated[str, "Only when no row is good."]]
    message: Annotated[str, "The same in words."]
    dry_run: Annotated[bool, "Whether nothing was stored."]
    stats: BulkStats
    created_count: Annotated[int, "How many rows are good."]
    error_count: Annotated[int, "How many are not."]
    errors: Annotated[list[BulkFault], "Those that are not."]
    jobs: Annotated[list[BulkJob], "The jobs of those that are."]
    warnings: NotRequired[Warnings]


@dataclass(frozen=True)
class Problem:
    """A row that gave no job."""

    row: int
    name: str
    error: FieldError
    team: str = ""

    def to_json(self) -> BulkFault:
        told: BulkFault = {"row": self.row, "error": self.error.label}
        if self.name:
            told["job_name"] = self.name
        if self.error.message:
            told["message"] = self.error.message
        if self.team:
            told["pic_team"], told["pic_team_slug"] = self.team, slugify(self.team)
        return told


@dataclass
class Report:
    """What became of the rows; in a dry run `jobs` are those that would have been made."""

    dry_run: bool
    stats: BulkStats
    jobs: list[BulkJob] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # What of the file is not read, or will have no effect.
    warnings: list[str] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Nothing came of the file, and not for lack of rows."""
        return bool(self.problems) and not self.jobs

    def to_json(self) -> BulkReport:
        good = "CSV validated successfully" if self.dry_run else "Bulk upload processed"
        bad = "CSV validation failed" if self.dry_run else "Bulk upload failed"
        told: BulkReport = {
            "message": "No row could be used; errors says why." if self.refused else good,
            "dry_run": self.dry_run,
            "stats": self.stats,
            "created_count": len(self.jobs),
            "error_count": len(self.problems),
            "errors": [problem.to_json() for problem in self.problems],
            "jobs": self.jobs,
        }
        if self.warnings:
            told["warnings"] = self.warnings
        if self.refused:
            told["error"] = bad
        return told


def process(table: Table, *, by: Actor, default_owner: str = "", dry_run: bool) -> Report:
    """Each good row becomes a job in a transaction of its own, with its audit entry; nobody is told of each."""
    report, seen = Report(dry_run, table.stats, warnings=[*table.warnings]), set[str]()
    with one_lookup_each(RESOLVE_SECONDS):
        for number, row in enumerate(table.rows, start=FIRST_ROW):
            try:
                _one(row, number, report, by, default_owner, seen)
            except DatabaseError:
                # What was made stays made: whoever sent the file must learn how far it came.
                _give_up(table.rows[number - FIRST_ROW :], number, report)
                break
    return report


def _one(row: Row, number: int, report: Report, by: Actor, default_owner: str, seen: set[str]) -> None:
    if by.user is None:
        raise TypeError("Jobs out of a file need an owner.")
    judged = judge(row, by.user, default_owner=default_owner, seen=seen)
    error = judged.error
    if judged.changes:
        changes = judged.changes if judged.active else _switched_off(judged.changes)
        try:
            report.jobs.append(_planned(changes) if report.dry_run else _made(changes, by))
        except IntegrityError:
            error = FieldError("Duplicate job name", _("Another job has this name."))
        except verbs.Refused as refusal:
            error = FieldError("Not possible", str(refusal))
        else:
            where = _("Row %(row)d:") % {"row": number}
            report.warnings += [f"{where} {text}" for text in unused(row.cells, changes)]
    if error:
        team = row.cells.get("team", "") if error.label == "Invalid PIC team" else ""
        report.problems.append(Problem(number, row.cells.get("name", ""), error, team))


def _switched_off(changes: JobChanges) -> JobChanges:
    return replace(changes, timing=changes.timing and replace(changes.timing, enabled=False))


def _planned(changes: JobChanges) -> BulkJob:
    values, timing = changes.values, changes.timing
    return {
        "name": values["name"],
        "is_active": bool(timing and timing.enabled),
        "cron_expression": timing.expression if timing else "",
        "end_date": values["end_date"].isoformat() if values["end_date"] else None,
        "pic_team": values["team"].slug if values["team"] else None,
    }


def _made(changes: JobChanges, by: Actor) -> BulkJob:
    job: Job = verbs.create(changes, by=by, tell=False)
    return {"id": str(job.uid), "name": job.name, "is_active": job.is_active}


def _give_up(rows: list[Row], number: int, report: Report) -> None:
    error = FieldError("Not processed", _("The database did not answer. Upload these rows again."))
    for place, row in enumerate(rows, start=number):
        report.problems.append(Problem(place, row.cells.get("name", ""), error))
