"""Belfry's own processes on the test database and a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection

from executions.models import Heartbeat
from executions.monitoring import health
from scheduler_site.running import programs
from scheduler_site.tests.processes import eventually
from tests_services.proxy import Proxy


class Programs:
    """Processes that go to the broker by way of the proxy; all are ended with the test."""

    def __init__(self, broker_url: str, directory: Path) -> None:
        self._broker_url, self._directory = broker_url, directory
        self._running: list[subprocess.Popen[bytes]] = []

    def beat(self) -> None:
        self._start("beat", programs.beat())

    def worker(self, queue: str) -> None:
        pool = next(pool for pool in programs.pools() if pool.queue == queue)
        self._start(queue, programs.worker(pool))

    def _start(self, role: str, program: programs.Program) -> None:
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": self._broker_url,
            "WORKER_SHUTDOWN_SECONDS": "2",
        }
        log = self._directory / f"{role}.log"
        with log.open("ab") as output:
            self._running.append(
                subprocess.Popen(
                    program.argv,
                    cwd=settings.BASE_DIR,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )
        assert eventually(Heartbeat.objects.filter(role=role).exists), log.read_text()

    def end(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def database_url() -> str:
    """The address of the test database, for other processes."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    scheme = {"postgresql": "postgres"}.get(connection.vendor, connection.vendor)
    account = (
        f"{quote(values['USER'], safe='')}:{quote(values['PASSWORD'], safe='')}@" if values["USER"] else ""
    )
    return f"{scheme}://{account}{values['HOST']}:{values['PORT'] or ''}/{values['NAME']}"


@pytest.fixture
def empty_queues() -> Iterator[None]:
    """What an earlier run left in the queues is none of ours, and what we leave is nobody's."""
    if settings.EMBEDDED_REDIS and settings.CELERY_BROKER_URL.startswith("redis+socket"):
        pytest.skip("No broker was given: REDIS_URL or CELERY_BROKER_URL.")
    _purge()
    yield
    _purge()


def _purge() -> None:
    with current_app.connection_for_write() as connected:
        for queue in health.QUEUES:
            channel: Any = connected.channel()
            channel.queue_declare(queue=queue, durable=True, auto_delete=False)
            channel.queue_purge(queue=queue)


@pytest.fixture
def proxy(empty_queues: None) -> Iterator[Proxy]:
    proxy = Proxy(settings.CELERY_BROKER_URL)
    yield proxy
    proxy.close()


@pytest.fixture
def started(transactional_db: None, proxy: Proxy, tmp_path: Path) -> Iterator[Programs]:
    started = Programs(proxy.url, tmp_path)
    yield started
    started.end()
