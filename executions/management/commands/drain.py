"""Drains workers from the command line, and waits until they have ended."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor
from executions.models import Drain
from executions.monitoring import drains
from executions.monitoring.drains import WorkerState
from jobs.verbs import Refused
from scheduler_site.lib import clock

LOOK_SECONDS = 1.0
# Of `--wait`: what did not end in time goes on draining.
TIMED_OUT = 2


class Command(BaseCommand):
    """Without arguments: all workers. Ends with status 2 when `--wait` was given up."""

    help = "A drained worker takes nothing new and ends when its runs have ended; it is not started again by `up`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("worker", nargs="*", help="names of workers, or of hosts for all on them")
        parser.add_argument("--all", action="store_true", help="all workers that run jobs (io and code)")
        parser.add_argument("--reason", default="", help="why")
        parser.add_argument("--wait", action="store_true", help="until they have ended")
        parser.add_argument("--timeout", type=float, help="of --wait, in seconds; the drain itself goes on")
        parser.add_argument("--cancel", action="store_true", help="takes the order back: of these, or of all")

    def handle(self, *args: Any, worker: list[str], **options: Any) -> None:
        if options["all"] and worker:
            raise CommandError("Name workers, or give --all.")
        if options["cancel"]:
            self._cancel(worker)
        elif worker or options["all"]:
            self._drain(worker, options)
        else:
            for one in drains.workers(clock.now()):
                self.stdout.write(_line(one))

    def _drain(self, targets: list[str], options: dict[str, Any]) -> None:
        now = clock.now()
        try:
            found = (
                [one for name in targets for one in drains.matching(name, now)]
                if targets
                else drains.of_jobs(now)
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        drains.order(found, by=Actor.command(), reason=options["reason"])
        names = {one.name for one in found}
        for name in sorted(names):
            self.stdout.write(f"{name} is draining.")
        if options["wait"]:
            self._wait(names, options["timeout"])

    def _wait(self, names: set[str], timeout: float | None) -> None:
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while open_ones := [
            one for one in drains.workers(clock.now()) if one.name in names and _goes_on(one)
        ]:
            if time.monotonic() >= deadline:
                for one in open_ones:
                    self.stderr.write(_line(one))
                sys.exit(TIMED_OUT)
            time.sleep(LOOK_SECONDS)
        self.stdout.write("They have ended.")

    def _cancel(self, targets: list[str]) -> None:
        rows = list(Drain.objects.all())
        if targets:
            rows = [row for row in rows if row.worker in targets or row.worker.rpartition(":")[0] in targets]
        if not rows:
            raise CommandError("None of them is drained.")
        drains.cancel(rows, by=Actor.command())
        for row in rows:
            self.stdout.write(f"{row.worker} is no longer drained.")


def _goes_on(worker: WorkerState) -> bool:
    """One whose order has been taken back is waited for no longer, nor is one that has died."""
    return worker.state == "draining"


def _line(worker: WorkerState) -> str:
    return f"{worker.name}  {','.join(worker.roles)}  {worker.state}  {worker.runs} running"
