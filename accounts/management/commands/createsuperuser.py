"""Makes an administrator from the command line."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import verbs
from accounts.models import User
from audit.record import Actor


class Command(BaseCommand):
    """Takes the place of Django's own, which knows neither roles nor the trail; options and variables are the same."""

    help = "Makes an administrator. What is not given is asked for; with --noinput it comes from DJANGO_SUPERUSER_*."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username")
        parser.add_argument("--email")
        parser.add_argument(
            "--noinput", "--no-input", dest="interactive", action="store_false", help="asks nothing"
        )

    def handle(
        self, *args: Any, username: str | None, email: str | None, interactive: bool, **options: Any
    ) -> None:
        name = username or self._asked("username", interactive)
        address = email or self._asked("email", interactive)
        password = self._password(interactive)
        try:
            if password is not None:
                validate_password(password, User(username=name, email=address))
            verbs.register(name, password, by=Actor.command(), email=address, role=User.Role.ADMIN)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except verbs.Taken as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(f"The administrator {name} has been made.")

    @staticmethod
    def _asked(field: str, interactive: bool) -> str:
        given = os.environ.get(f"DJANGO_SUPERUSER_{field.upper()}", "")
        if given or not interactive:
            if not given and field == "username":
                raise CommandError("Give --username, or set DJANGO_SUPERUSER_USERNAME.")
            return given
        return input(f"{field.capitalize()}: ").strip()

    @staticmethod
    def _password(interactive: bool) -> str | None:
        """None: the account cannot log in until it has a password."""
        if not interactive:
            return os.environ.get("DJANGO_SUPERUSER_PASSWORD") or None
        password = getpass.getpass()
        if getpass.getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        return password
