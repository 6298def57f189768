"""Example jobs with a month of history, and the way to be rid of them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from audit.record import Actor
from executions.demo import verbs


class Command(BaseCommand):
    help = "Creates example jobs with a month of history; --remove takes them away again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help="deletes the examples and their runs")
        parser.add_argument("--owner", help="who owns them; by default the first administrator")

    def handle(self, *args: Any, remove: bool, owner: str | None, **options: Any) -> None:
        if remove:
            names = verbs.remove(Actor.command())
            self.stdout.write("\n".join([f"deleted {name}" for name in names]) or "There are no examples.")
            return
        try:
            jobs, runs = verbs.make(self._owner(owner))
        except verbs.AlreadyThere as refusal:
            raise CommandError("The examples are there already; --remove takes them away.") from refusal
        self.stdout.write(f"Created {jobs} example jobs with {runs} runs of the last 30 days.")

    @staticmethod
    def _owner(name: str | None) -> User:
        active = User.objects.filter(is_active=True)
        found = active.filter(username=name) if name else active.filter(role=User.Role.ADMIN).order_by("pk")
        if (owner := found.first()) is None:
            raise CommandError(
                f"There is no active account {name}." if name else "There is no administrator."
            )
        if not owner.has_perm("jobs.run_code"):
            raise CommandError(f"{owner} may not run code, which the examples do.")
        return owner
