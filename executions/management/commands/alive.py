"""`manage.py alive ROLE`: a health check for whoever looks after the process of a beat or worker (compose, Kubernetes)."""

from __future__ import annotations

import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from executions.monitoring import heartbeat
from scheduler_site.lib import clock

ROLES = ("beat", "io", "code", "system")


class Command(BaseCommand):
    """Ends with status 0 when a process of this role on this host has given a sign of life; else with 1, and says why.

    Also with 0 while the database does not answer: starting the process anew would not bring it back.
    """

    help = "Says whether the beat, or a worker of the queue io, code or system, lives on this host."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=ROLES)

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        host = socket.gethostname()
        try:
            processes = heartbeat.processes(clock.now())
        except (DatabaseError, InterfaceError, OSError) as error:
            self.stdout.write(f"The database does not answer: {error}")
            return
        ages = [one.age for one in processes if one.role == role and one.name.startswith(f"{host}:")]
        if not ages:
            raise CommandError(f"No sign of life of a {role} on {host} in the last hour.")
        if min(ages) > heartbeat.FRESH.total_seconds():
            raise CommandError(f"The last sign of life of a {role} on {host} is {min(ages):.0f} s old.")
        self.stdout.write(f"A {role} on {host} gave a sign of life {max(min(ages), 0.0):.0f} s ago.")
