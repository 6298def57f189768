"""Databases and brokers of the bench's own, in a temporary directory: they may be killed, frozen and emptied."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

POSTGRES = Path("/usr/lib/postgresql/15/bin")
LEFT_OUT = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEPLOYMENT", "SCHEDULER_ENABLED")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Raises TimeoutError when nobody listens on it in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"Nobody listens on port {port}.")


class Server:
    """A process that the bench starts, signals by its id, and ends."""

    def __init__(self, argv: Sequence[str], log: Path, *, user: str | None = None) -> None:
        self.argv, self.log, self.user = tuple(argv), log, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=self.user, group=self.user, start_new_session=True,
            )  # fmt: skip

    def send(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def end(self, number: int = signal.SIGTERM, seconds: float = 15) -> None:
        self.thaw()
        self.send(number)
        if self.process:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """With all that it started, like a machine that loses its power."""
        if self.process is None:
            return
        with suppress(psutil.NoSuchProcess):
            family = [*psutil.Process(self.process.pid).children(recursive=True)]
            self.send(signal.SIGKILL)
            for child in family:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait(15)


class Redis(Server):
    """The machine's redis-server on a port of its own, or the embedded one behind its socket (port 0)."""

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        self.directory, self.port = directory, port
        binary = shutil.which("redis-server") or "redis-server"
        super().__init__(
            (binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--appendonly", "yes",
             "--save", ""),
            directory / "redis.log",
        )  # fmt: skip

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        super().start()
        wait_for_port(self.port)

    def flush(self) -> None:
        import redis

        redis.Redis(port=self.port).flushall()


class EmbeddedRedis(Server):
    """The server that Belfry brings along, started with Belfry's own command line (django.setup() comes first)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__((), directory / "redis.log")

    def start(self) -> None:
        from django.conf import settings

        from scheduler_site import embedded_redis, programs

        (self.directory / "redis").mkdir(parents=True, exist_ok=True)
        settings.RUNTIME_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.argv = programs.broker().argv
        super().start()
        if not embedded_redis.wait(settings.EMBEDDED_REDIS_SOCKET, 10):
            raise TimeoutError("The embedded broker does not answer.")

    def flush(self) -> None:
        import redis
        from django.conf import settings

        redis.Redis(unix_socket_path=str(settings.EMBEDDED_REDIS_SOCKET)).flushall()


class Postgres(Server):
    """A cluster in a directory of its own, run as the user postgres, because root may not."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self._owner = "postgres" if os.getuid() == 0 else None
        super().__init__(
            (str(POSTGRES / "postgres"), "-D", str(directory), "-p", str(port), "-h", "127.0.0.1",
             "-k", str(directory)),
            directory.parent / "postgres.log",
            user=self._owner,
        )  # fmt: skip

    def start(self) -> None:
        if not self.directory.exists():
            self._create()
        super().start()
        wait_for_port(self.port)

    def _create(self) -> None:
        self.directory.mkdir(mode=0o700)
        if self._owner:
            shutil.chown(self.directory, self._owner, self._owner)
            # The way to it must be open to that user.
            self.directory.parent.chmod(0o711)
        subprocess.run(
            [POSTGRES / "initdb", "-D", self.directory, "-U", "belfry", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self._owner, group=self._owner, check=True, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


class Stack:
    """A database and a broker, and the environment that leads Belfry to them."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self.database: Server | None = None
        self.broker: Redis | EmbeddedRedis
        own: dict[str, str] = {}
        if name == "sqlite":
            self.broker = EmbeddedRedis(directory / "data")
        elif name == "postgres-redis":
            self.broker = Redis(directory / "broker", port=free_port())
            self.database = Postgres(directory / "cluster", free_port())
            own["DATABASE_URL"] = f"postgres://belfry@127.0.0.1:{self.database.port}/postgres"
            own["REDIS_URL"] = f"redis://127.0.0.1:{self.broker.port}/0"
        else:
            raise ValueError(f"There is no stack {name}.")
        inherited = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
        self.environment = inherited | own | {
            "DATA_DIR": str(directory / "data"),
            "JOB_CLASS_PACKAGES": "jobs.classes,bench.faults",
            "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
            "WORKER_SHUTDOWN_SECONDS": "3",
            "LOG_LEVEL": "INFO",
        }  # fmt: skip

    def end(self) -> None:
        self.broker.end()
        if self.database:
            self.database.end(signal.SIGINT)  # "fast", postgres(1)
