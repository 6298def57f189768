"""Makes the first admin of a fresh installation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import verbs
from accounts.models import User
from audit.record import Actor
from scheduler_site.lib import env


class Command(BaseCommand):
    """Does nothing where ALLOW_DEFAULT_ADMIN is false or an active admin exists."""

    help = (
        "Creates an admin when there is none, from DEFAULT_ADMIN_USERNAME, DEFAULT_ADMIN_PASSWORD and "
        "DEFAULT_ADMIN_EMAIL (admin, admin123, admin@example.com)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.active_admins().exists():
            self.stdout.write("There is an admin already.")
        elif not settings.ALLOW_DEFAULT_ADMIN:
            self.stdout.write("There is no admin. Make one with: manage.py createsuperuser")
        else:
            self.stdout.write(self._create())

    def _create(self) -> str:
        password = env.secret("DEFAULT_ADMIN_PASSWORD") or verbs.DEFAULT_PASSWORD
        name = env.text("DEFAULT_ADMIN_USERNAME", "admin")
        email = env.text("DEFAULT_ADMIN_EMAIL", "admin@example.com")
        try:
            # The one that everybody knows has to be changed anyway.
            if password != verbs.DEFAULT_PASSWORD:
                validate_password(password, User(username=name, email=email))
            user = verbs.register(name, password, email=email, role=User.Role.ADMIN, by=Actor.system())
        except verbs.Taken as error:
            # No reason to keep the whole system from starting.
            return f"There is no admin, and the default one cannot be made: {error}."
        except ValidationError as error:
            told = f"Cannot make the default admin of DEFAULT_ADMIN_*: {' '.join(error.messages)}"
            raise CommandError(told) from error
        if password == verbs.DEFAULT_PASSWORD:
            User.objects.filter(pk=user.pk).update(must_change_password=True)
        return f"Created the admin {user.username}."
