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
from getpass import getuser
from pathlib import Path

import psutil

POSTGRES = Path("/usr/lib/postgresql/15/bin")
STACKS = ("sqlite", "postgres-redis", "mariadb-redis", "postgres-rabbitmq")
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

    # How it is told to end in good order, and how in a hurry.
    gentle: int = signal.SIGTERM
    hard: int = signal.SIGKILL

    def __init__(self, argv: Sequence[str], log: Path, *, user: str | None = None,
                 env: dict[str, str] | None = None, keep: tuple[int, ...] = (),
                 cwd: Path | None = None) -> None:  # fmt: skip
        self.argv, self.log, self.user, self.env, self.keep = tuple(argv), log, user, env or {}, keep
        self.cwd = cwd
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=self.user, group=self.user, env=os.environ | self.env, pass_fds=self.keep,
                start_new_session=True, cwd=self.cwd,
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

        from scheduler_site.running import embedded_redis, programs

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

    gentle, hard = signal.SIGINT, signal.SIGQUIT  # "fast" and "immediate", postgres(1)

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
        self._wait_until_started()

    def _wait_until_started(self) -> None:
        """It listens before it answers: "the database system is starting up"."""
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                self.say("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def standby(self, directory: Path, port: int) -> Postgres:
        """Another cluster that follows this one, which answers a commit only when both have it. Started."""
        other = Postgres(directory, port)
        other._make_room()
        self._run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "belfry", "-D", str(directory),
            "-R", "-X", "stream", "-c", "fast",
        )  # fmt: skip
        other.start()
        self.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.say("SELECT pg_reload_conf()")
        return other

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-D", str(self.directory))

    def say(self, statement: str) -> None:
        import psycopg

        address = f"host=127.0.0.1 port={self.port} user=belfry dbname=postgres"
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(statement)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [POSTGRES / program, *words], user=self._owner, group=self._owner, check=True, capture_output=True,
            cwd="/",
        )  # fmt: skip

    def _make_room(self) -> None:
        self.directory.mkdir(mode=0o700)
        if self._owner:
            shutil.chown(self.directory, self._owner, self._owner)
            # The way to it must be open to that user.
            self.directory.parent.chmod(0o711)

    def _create(self) -> None:
        self._make_room()
        subprocess.run(
            [POSTGRES / "initdb", "-D", self.directory, "-U", "belfry", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self._owner, group=self._owner, check=True, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


class MariaDB(Server):
    """A data directory and a port of its own; its user may do no more than use one database."""

    SQL = (
        "CREATE DATABASE IF NOT EXISTS belfry CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
        "CREATE USER IF NOT EXISTS belfry@'127.0.0.1';\n"
        "GRANT ALL ON belfry.* TO belfry@'127.0.0.1';\n"
    )

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self._start_sql = directory.parent / "mariadb.sql"
        binary = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/bin") or "mariadbd"
        super().__init__(
            (binary, "--no-defaults", f"--user={getuser()}", f"--datadir={directory}", f"--port={port}",
             f"--socket={directory.parent}/mariadb.sock", "--bind-address=127.0.0.1", "--skip-name-resolve",
             f"--init-file={self._start_sql}"),
            directory.parent / "mariadb.log",
        )  # fmt: skip

    def start(self) -> None:
        if not self.directory.exists():
            self._start_sql.write_text(self.SQL)
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--user={getuser()}", f"--datadir={self.directory}",
                 "--auth-root-authentication-method=normal", "--skip-test-db"],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        super().start()
        wait_for_port(self.port)


class RabbitMQ(Server):
    """A node with its own name, cookie, ports and data, registered with a port mapper of its own."""

    SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    # Erlang terms of its advanced configuration, read at its start.
    config = "[]."

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        names = str(free_port())
        own = {
            "HOME": str(directory),
            "RABBITMQ_NODENAME": f"belfry{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "environment"),
            "ERL_EPMD_PORT": names,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Without a shell around it: what is killed and frozen is the server.
            "RUNNING_UNDER_SYSTEMD": "1",
        }
        self._names = Server(("epmd", "-port", names, "-address", "127.0.0.1"), directory / "epmd.log")
        super().__init__((self.SCRIPT,), directory / "rabbitmq.log", env=own)

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, text in {
            "plugins": "[].\n",
            "rabbitmq.conf": "",
            "advanced.config": self.config,
            "environment": "",
        }.items():
            (self.directory / name).write_text(text)
        if self._names.process is None:
            self._names.start()
        super().start()
        wait_for_port(self.port, 60)

    def flush(self) -> None:
        from amqp import Connection

        with Connection(f"127.0.0.1:{self.port}") as connection:
            for queue in ("io", "code", "system"):
                channel = connection.channel()
                with suppress(*connection.channel_errors):
                    channel.queue_purge(queue)

    def log_text(self) -> str:
        """What the node wrote about itself so far."""
        return "".join(path.read_text(errors="replace") for path in (self.directory / "log").glob("*.log"))

    def close(self) -> None:
        """Ends the port mapper as well."""
        self.end()
        self._names.end()


class Stack:
    """A database and a broker, and the environment that leads Belfry to them."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self.database: Server | None = None
        self.broker: Redis | EmbeddedRedis | RabbitMQ
        # Beside RabbitMQ: what the web keeps there is none of the broker's business.
        self.cache: Redis | None = None
        # Where Belfry finds them, by variable; a fault may put something of its own in between.
        self.addresses: dict[str, str] = {}
        if name not in STACKS:
            raise ValueError(f"There is no stack {name}.")
        if name == "sqlite":
            self.broker = EmbeddedRedis(directory / "data")
        else:
            self._servers(*name.split("-"))
        inherited = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
        self.environment = inherited | self.addresses | {
            "DATA_DIR": str(directory / "data"),
            "JOB_CLASS_PACKAGES": "jobs.classes,bench.faults",
            "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
            "WORKER_SHUTDOWN_SECONDS": "3",
            "LOG_LEVEL": "INFO",
        }  # fmt: skip

    def _servers(self, database: str, broker: str) -> None:
        kind, url = {
            "postgres": (Postgres, "postgres://belfry@127.0.0.1:{}/postgres"),
            "mariadb": (MariaDB, "mysql://belfry@127.0.0.1:{}/belfry"),
        }[database]
        port = free_port()
        self.database = kind(self.directory / "cluster", port)
        redis = Redis(self.directory / "broker", port=free_port())
        self.broker = redis
        self.addresses |= {"DATABASE_URL": url.format(port), "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}
        if broker == "rabbitmq":
            self.cache = redis
            self.broker = RabbitMQ(self.directory / "rabbitmq", free_port())
            self.addresses["CELERY_BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{self.broker.port}//"

    def start_brokers(self) -> None:
        self.broker.start()
        if self.cache:
            self.cache.start()

    def end(self) -> None:
        self.broker.end()
        if isinstance(self.broker, RabbitMQ):
            self.broker.close()
        if self.cache:
            self.cache.end()
        if self.database:
            self.database.end(self.database.gentle)
