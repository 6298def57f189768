"""`manage.py up`: the whole of Belfry on one machine, with one command."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from io import StringIO
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DatabaseError, connections

from accounts import verbs
from environments.checks.job_user import console_notice
from executions.monitoring import drains
from scheduler_site.front.warm_up import warm_up
from scheduler_site.lib import env
from scheduler_site.running import drain_status, embedded_redis, pending_migrations, programs, startup
from scheduler_site.running.console import Console
from scheduler_site.running.privacy import keep_private
from scheduler_site.running.readiness import Probe
from scheduler_site.running.separate_process import SeparateProcess
from scheduler_site.running.supervisor import Supervisor

BROKER_SECONDS = 20
READY_SECONDS = 60
PARKED_SECONDS = 2.0


class Command(BaseCommand):
    """Prepares the installation, starts all programs, and keeps them running until INT or TERM."""

    help = "Runs web, workers and scheduler, and a Redis-compatible server unless REDIS_URL is set."
    # They are run below, once the database is there to be checked.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(sys.stdout)
        try:
            failed = run(console)
        except startup.CannotStart as error:
            console.say(str(error))
            failed = True
        console.close()
        if failed:
            sys.exit(1)


def run(console: Console) -> bool:
    """Belfry from start to end; whether it failed. Raises CannotStart."""
    keep_private()
    startup.make_directories()
    lock = startup.take_lock()
    listener = startup.bind_port()
    supervisor = Supervisor(
        console, lock=lock, directory=settings.BASE_DIR, handover=settings.HANDOVER_SECONDS
    )
    set_environment()
    if notice := console_notice():
        console.say(notice)
    if os.geteuid() == 0 and notice:
        console.say("running as root, and so does the code of jobs: set JOB_USER, or use an ordinary account")
    try:
        start(supervisor, console, listener.fileno())
    finally:
        listener.close()
        if supervisor.asked:
            console.say("stopping")
        supervisor.stop()
        startup.tidy()
        console.say("stopped")
    return supervisor.failed


def set_environment() -> None:
    """What the programs inherit."""
    # Checked once, here; every program would do it again.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    # Said once, by us; every worker would say it in five lines.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    # About tasks that a lost connection does not cancel: the settings say so on purpose.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


def start(supervisor: Supervisor, console: Console, listener: int) -> None:
    """Returns when it is over. Raises CannotStart."""
    if settings.EMBEDDED_REDIS:
        start_broker(supervisor)
    for news in check():
        console.say(news)
    if supervisor.asked:
        return
    steps = [SeparateProcess("database", prepare_database), SeparateProcess("static files", prepare_pages)]
    programs.load()
    try:
        for step in steps:
            for news in step.news():
                console.say(news)
    finally:
        for step in steps:
            step.wait()
    if supervisor.asked:
        return
    pending_migrations.applied()
    warm_up()
    supervisor.start(*programs.table(listener))
    probe = Probe()
    probe.start()
    Parking(supervisor).start()
    supervisor.watch(Announcement(supervisor, console, probe))
    probe.stop()


def start_broker(supervisor: Supervisor) -> None:
    try:
        supervisor.start(programs.broker())
    except FileNotFoundError as error:
        raise startup.CannotStart(str(error)) from error
    if not embedded_redis.wait(settings.EMBEDDED_REDIS_SOCKET, BROKER_SECONDS):
        log = embedded_redis.log_file(settings.DATA_DIR / "redis")
        raise startup.CannotStart(f"The embedded Redis does not answer. {log} may say why.")


def check() -> Iterator[str]:
    """Stops here when the configuration is unsafe."""
    try:
        call_command("check", databases=["default"], stdout=StringIO(), stderr=(said := StringIO()))
    except SystemCheckError as error:
        raise startup.CannotStart(str(error)) from error
    except DatabaseError as error:
        raise unreachable(error) from error
    yield from filter(None, said.getvalue().splitlines())


def prepare_database() -> Iterator[str]:
    try:
        if startup.migrate():
            yield "the database is up to date"
        drains.forget(drain_status.installation(settings.DATA_DIR))
        call_command("ensure_admin", stdout=(said := StringIO()))
        yield from said.getvalue().splitlines()
    except DatabaseError as error:
        raise unreachable(error) from error
    except CommandError as error:
        # The first administrator as the environment has it breaks a rule.
        raise startup.CannotStart(str(error)) from error
    finally:
        connections.close_all()


def unreachable(error: DatabaseError) -> startup.CannotStart:
    return startup.CannotStart(f"The database cannot be used: {str(error).strip()}. Check DATABASE_URL.")


def prepare_pages() -> Iterator[str]:
    if startup.collect_static():
        yield "the static files are collected"


class Parking(threading.Thread):
    """Starts workers that were drained again when the order is taken back; asks the database, which may hang, apart from the
    supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(name="parking", daemon=True)
        self._supervisor = supervisor

    def run(self) -> None:
        while True:
            time.sleep(PARKED_SECONDS)
            for token in self._supervisor.parked():
                try:
                    if not drains.stay_away(token):
                        self._supervisor.release(token)
                except DatabaseError:
                    continue
                finally:
                    # No connection is open when a program is forked.
                    connections.close_all()


class Announcement:
    """Says once that Belfry is ready, or that it takes too long and what is amiss."""

    def __init__(self, supervisor: Supervisor, console: Console, probe: Probe) -> None:
        self.supervisor, self.console, self.probe = supervisor, console, probe
        self.hint_at = time.monotonic() + READY_SECONDS

    def __call__(self) -> None:
        if self.supervisor.ready:
            return
        if self.probe.ready.is_set():
            self.supervisor.ready = True
            self.console.say(f"Belfry is ready: {address()}{account()}")
        elif time.monotonic() > self.hint_at:
            self.hint_at = float("inf")
            self.console.say(f"Belfry is not ready after {READY_SECONDS} s, and still trying.")
            self.console.say(f"{address()}/api/health says: {self.probe.answer}")


def address() -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.HOST, settings.HOST)  # noqa: S104
    return f"http://{host}:{settings.PORT}{settings.BASE_PATH}"


def account() -> str:
    """How to log in, as long as the password that everybody knows works."""
    try:
        known = verbs.default_password_in_use()
    except DatabaseError:
        known = False
    finally:
        connections.close_all()
    name = env.text("DEFAULT_ADMIN_USERNAME", "admin")
    return f"  (log in as {name} / {verbs.DEFAULT_PASSWORD}, and change the password)" if known else ""
