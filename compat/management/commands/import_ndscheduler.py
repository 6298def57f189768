"""Moves jobs, accounts and categories out of a database of ndscheduler."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compat.importers import command
from compat.importers.ndscheduler import Import
from compat.importers.old_database import OldDatabase, Unreachable
from scheduler_site.lib import clock


class Command(BaseCommand):
    """Without --apply it only reports; see docs/moving-from-ndscheduler.md."""

    help = "Reports what would become of the jobs in a database of ndscheduler; with --apply it imports them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="a SQLite file, or a URL: sqlite:///, postgresql://, mysql://")
        command.add_arguments(parser)
        parser.add_argument("--history", action="store_true", help="runs and the audit log as well")

    def handle(self, *args: Any, **options: Any) -> None:
        by = command.by_owner(options["owner"])
        try:
            old = OldDatabase(options["url"])
        except Unreachable as error:
            raise CommandError(str(error)) from error
        try:
            found = Import(old, clock.now(), with_history=options["history"])
            command.carry_out(found, by, options, self.stdout)
        finally:
            old.close()
