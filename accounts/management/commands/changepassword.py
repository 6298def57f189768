"""Sets the password of an account from the command line."""

from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import verbs
from accounts.models import User
from audit.record import Actor


class Command(BaseCommand):
    """Takes the place of Django's own, which leaves no audit entry."""

    help = "Asks twice for the new password of an account and sets it; ends its sessions and tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError("There is no such account.")
        password = getpass.getpass()
        if getpass.getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        verbs.update(user, {"password": password}, by=Actor.command())
        self.stdout.write(f"The password of {user} has been changed.")
