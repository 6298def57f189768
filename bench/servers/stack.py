"""A database and a broker together, by the name of the stack."""

from __future__ import annotations

import os
from pathlib import Path

from bench.servers.brokers import EmbeddedRedis, RabbitMQ, Redis
from bench.servers.databases import MariaDB, Postgres
from bench.servers.process import Server, free_port

STACKS = ("sqlite", "postgres-redis", "mariadb-redis", "postgres-rabbitmq")
LEFT_OUT = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEPLOYMENT", "SCHEDULER_ENABLED")


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
