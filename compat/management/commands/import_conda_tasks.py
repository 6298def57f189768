"""Moves environments, tasks and a month of runs out of a Conda Task Manager."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from compat.importers import command
from compat.importers.conda_tasks import Import
from compat.importers.conda_tasks_client import OldManager, Unreachable
from jobs import schedule

VARIABLE = "CONDA_TASKS_PASSWORD"


class Command(BaseCommand):
    """Without --apply it only reports; see docs/moving-from-conda-task-manager.md."""

    help = "Reports what would become of what a Conda Task Manager has; with --apply it imports it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", required=True, help="where it answers: http://old.example.com:5000")
        parser.add_argument("--username", required=True, help="an account there, best an administrator's")
        parser.add_argument(
            "--password-file", help=f"a file with its password; else {VARIABLE}, else it is asked for"
        )
        command.add_arguments(parser)
        parser.add_argument("--timezone", help="the zone of the machine where it runs")
        parser.add_argument(
            "--backend", choices=("conda", "pypi"), help="what environments are made of; else as usual"
        )
        parser.add_argument(
            "--register", metavar="ROOT", default="", help="use its environments where they lie, ROOT/NAME"
        )
        parser.add_argument("--no-history", action="store_true", help="without its runs")

    def handle(self, *args: Any, **options: Any) -> None:
        by = command.by_owner(options["owner"])
        zone = options["timezone"] or settings.SCHEDULER_TIMEZONE
        try:
            schedule.zone(zone)
            old = OldManager(options["url"], options["username"], _password(options["password_file"]))
        except (Unreachable, schedule.ScheduleError) as error:
            raise CommandError(str(error)) from error
        try:
            found = Import(
                old,
                timezone.now(),
                zone,
                backend=options["backend"] or "",
                register=options["register"],
                with_history=not options["no_history"],
            )
        except Unreachable as error:
            raise CommandError(str(error)) from error
        finally:
            old.close()
        command.carry_out(found, by, options, self.stdout)


def _password(file: str | None) -> str:
    """Never out of the command line, which every account of the machine may read."""
    if file is None:
        return os.environ.get(VARIABLE) or getpass.getpass("Password of the old manager: ")
    try:
        return Path(file).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
