"""Moves the jobs of a crontab in."""

from __future__ import annotations

import socket
import sys
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from compat.importers import command
from compat.importers.crontab import Choices, Import
from compat.importers.crontab_lines import LARGEST, NoText, decoded
from jobs import schedule
from scheduler_site.lib import clock


class Command(BaseCommand):
    """Without --apply it only reports; see docs/moving-from-cron.md."""

    help = "Reports what would become of the lines of a crontab; with --apply it makes jobs of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, as of crontab -l; - for the standard input")
        command.add_arguments(parser)
        parser.add_argument(
            "--source", help="whose crontab it is: the file's name, or this host's, unless set"
        )
        parser.add_argument(
            "--encoding", default="utf-8", help="of the file, such as latin-1 (default: utf-8)"
        )
        parser.add_argument(
            "--home", default="", help="the home directory of its account, where HOME is not set"
        )
        parser.add_argument(
            "--user-column",
            action=BooleanOptionalAction,
            help="whether the sixth field is an account (/etc/crontab); guessed without it",
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
        if options["home"] and not options["home"].startswith("/"):
            raise CommandError("--home: write an absolute path.")
        name = options["file"]
        given = (options["source"] or "").strip()
        choices = Choices(
            given or (socket.gethostname() if name == "-" else Path(name).name),
            zone,
            named=bool(given),
            user_column=options["user_column"],
            home=options["home"],
            disabled=options["disabled"],
        )
        found = Import(_text(name, options["encoding"]), clock.now(), choices)
        command.carry_out(found, by, options, self.stdout)


def _text(name: str, encoding: str) -> str:
    """Bytes, whatever the language of the shell: what it makes of them is not what the file says."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            return decoded(file.read(LARGEST + 1), encoding)
    except NoText as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{name!r} cannot be read: {error}") from error
