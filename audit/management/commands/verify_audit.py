"""Checks that the audit trail is what it was."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import chain
from scheduler_site.running import gc_tuning


class Command(BaseCommand):
    """Prints the number of entries and the head; exit code 1 with the first entry that is wrong."""

    help = (
        "Computes the chain of digests over the whole audit trail anew. Note the head that it prints in a place of its own: "
        "with --head a later call finds out whether what was there then still is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", default="", help="A head that an earlier call has printed.")

    def handle(self, *args: Any, head: str, **options: Any) -> None:
        noted = head.strip().lower()
        if noted and not re.fullmatch("[0-9a-f]{64}", noted):
            raise CommandError("A head has 64 hexadecimal digits.", returncode=2)
        gc_tuning.settle()
        try:
            verdict = chain.verify(noted)
        except chain.Broken as fault:
            raise CommandError(str(fault), returncode=1) from fault
        self.stdout.write(f"{verdict.count} entries, none changed or removed.")
        self.stdout.write(f"Head: {verdict.head or 'none yet'}")
        if verdict.noted is not None:
            self.stdout.write(f"The noted head is that of number {verdict.noted}.")
