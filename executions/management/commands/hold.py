"""Holds all starts, or those of a category, from the command line."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Category
from audit.record import Actor
from executions.ledger.limits import holds
from executions.models import Hold
from jobs.rest.wire import read_moment
from jobs.verbs import Refused
from scheduler_site.lib import clock

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Command(BaseCommand):
    """Without arguments: what is held now."""

    help = "Holds the starts of runs: hold REASON [--until TIME | --for 2h] [--category SLUG]; hold --end; or lists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reason", nargs="?", help="why; everybody is told")
        end = parser.add_mutually_exclusive_group()
        end.add_argument("--until", help="ISO 8601; without an offset in the scheduler's zone")
        end.add_argument("--for", dest="lasting", help="how long: 90s, 30m, 2h, 1d")
        end.add_argument("--end", action="store_true", help="ends the hold")
        parser.add_argument("--category", help="slug or name: only the jobs of this category")

    def handle(self, *args: Any, reason: str | None, **options: Any) -> None:
        category = self._category(options["category"])
        if options["end"]:
            self._end(category)
        elif reason:
            try:
                until = _until(options["until"], options["lasting"])
                hold = holds.begin(reason=reason, until=until, category=category, by=Actor.command())
            except Refused as refusal:
                raise CommandError(str(refusal)) from refusal
            self.stdout.write(holds.described(hold))
        else:
            active = Hold.objects.active().select_related("category").order_by("active")
            for hold in active:
                self.stdout.write(
                    f"{holds.described(hold)} ({hold.by_name}, since {hold.since:%Y-%m-%d %H:%M} UTC)"
                )
            if not active:
                self.stdout.write("Nothing is held.")

    def _end(self, category: Category | None) -> None:
        hold = Hold.objects.active().filter(category=category).first()
        if hold is None or not holds.end(hold, by=Actor.command()):
            raise CommandError("There is no such hold.")
        self.stdout.write("The hold has ended; what waited starts now.")

    @staticmethod
    def _category(text: str | None) -> Category | None:
        found = Category.find(text) if text else None
        if text and found is None:
            raise CommandError(f"There is no category {text}.")
        return found


def _until(until: str | None, lasting: str | None) -> dt.datetime | None:
    if lasting:
        match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", lasting)
        if match is None:
            raise CommandError("Write how long as 90s, 30m, 2h or 1d.")
        try:
            return clock.now() + dt.timedelta(seconds=int(match[1]) * UNITS[match[2]])
        except OverflowError as error:
            raise CommandError("This time is out of range.") from error
    if until is None:
        return None
    try:
        return read_moment(until, settings.SCHEDULER_TIMEZONE).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError("Write a time such as 2026-03-29T03:00.") from error
