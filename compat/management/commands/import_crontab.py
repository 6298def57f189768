"""Moves the jobs of a crontab in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from compat.moving import command
from compat.moving.crontab import Import
from jobs import schedule
from scheduler_site import clock


class Command(BaseCommand):
    """Without --apply it only reports; see docs/moving-from-cron.md."""

    help = "Reports what would become of the lines of a crontab; with --apply it makes jobs of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, as of crontab -l; - for the standard input")
        command.add_arguments(parser)
        parser.add_argument(
            "--user-column", action="store_true", help="the sixth field is an account (/etc/crontab)"
        )
        parser.add_argument("--timezone", help="the zone of the machine whose crontab it is")
        parser.add_argument("--disabled", action="store_true", help="the jobs are made, and paused")

    def handle(self, *args: Any, **options: Any) -> None:
        by = command.by_owner(options["owner"])
        zone = options["timezone"] or settings.SCHEDULER_TIMEZONE
        try:
            schedule.zone(zone)
        except schedule.ScheduleError as error:
            raise CommandError(str(error)) from error
        found = Import(
            self._text(options["file"]),
            clock.now(),
            zone,
            user_column=options["user_column"],
            disabled=options["disabled"],
        )
        command.carry_out(found, by, options, self.stdout)

    def _text(self, name: str) -> str:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise CommandError(f"{name} cannot be read: {error}") from error
        if "\0" in text:
            raise CommandError(f"{name} is no text.")
        return text
