"""Brokers: Redis, the server that Belfry brings along, RabbitMQ."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from bench.servers.process import Server, free_port, wait_for_port


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
