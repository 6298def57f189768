"""Shared by the import commands: they print the report, then import everything in one transaction or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import IntegrityError

from accounts.models import User
from audit.record import Actor
from compat.importers import report
from compat.importers.report import Row


class Found(Protocol):
    """What was read and is not written yet."""

    rows: list[Row]

    def apply(self, by: Actor) -> None: ...


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--apply", action="store_true", help="import; without it nothing is written")
    parser.add_argument("--owner", help="the account whose the jobs will be")
    parser.add_argument("--skip-errors", action="store_true", help="import the others where some have errors")


def by_owner(name: str | None) -> Actor:
    """On whose behalf a command imports. Raises CommandError for an unknown name."""
    if name is None:
        return Actor.command()
    owner = User.objects.find(name)
    if owner is None:
        raise CommandError(f"There is no account {name}.")
    return replace(Actor.command(), user=owner)


def carry_out(found: Found, by: Actor, options: dict[str, Any], out: OutputWrapper) -> None:
    """Reports, and with --apply imports. Raises CommandError, with nothing written, when there are errors."""
    for line in (*getattr(found, "remarks", ()), *report.lines(found.rows)):
        out.write(_printable(line, out))
    if not options["apply"]:
        out.write("Nothing was written. Add --apply to import.")
        return
    if any(row.fate == "error" for row in found.rows) and not options["skip_errors"]:
        raise CommandError("Nothing was imported: there are errors. Add --skip-errors to leave those out.")
    try:
        found.apply(by)
    except IntegrityError as error:
        raise CommandError("Nothing was imported: somebody made a job meanwhile. Try again.") from error
    out.write("Imported.")


def _printable(text: str, out: OutputWrapper) -> str:
    """Names of others, which may hold what a terminal obeys, or what the shell's language has no signs for."""
    inert = "".join(
        sign if sign.isprintable() or sign in "\t" else sign.encode("unicode_escape").decode()
        for sign in text
    )
    encoding = getattr(out, "encoding", None) or "utf-8"
    return inert.encode(encoding, "backslashreplace").decode(encoding)
