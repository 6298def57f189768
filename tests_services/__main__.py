"""`python -m tests_services`: the test suite on real databases and brokers.

Each database is paired with a broker: PostgreSQL with Redis, MariaDB with RabbitMQ; what lacks its other half is run with what
Belfry brings along. With `--core` only tests whose answer may depend on the database are run; names of files or folders
do the same.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from tests_services.services import MYSQL, POSTGRES, RABBITMQ, REDIS, Service, clean_up, database_url

# What would lead the tests elsewhere.
LEFT_OUT = (
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "DEPLOYMENT",
    "HOST",
    "SCHEDULER_ENABLED",
    "DATA_DIR",
)
NO_TESTS = 5  # pytest's status when none was collected


@dataclass(frozen=True)
class Stack:
    """A database and a broker; None stands for SQLite and the embedded server."""

    database: Service | None
    broker: Service | None

    @property
    def name(self) -> str:
        return " and ".join(service.name for service in (self.database, self.broker) if service)

    @property
    def database_name(self) -> str:
        return f"belfry_{os.getpid()}"

    def environment(self, directory: str) -> dict[str, str]:
        given = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
        given["DATA_DIR"] = directory
        if self.database:
            given["DATABASE_URL"] = database_url(self.database, self.database_name)
        if self.broker:
            given["REDIS_URL" if self.broker is REDIS else "CELERY_BROKER_URL"] = self.broker.url
        return given


def main() -> int:
    options = arguments()
    skipped = [text for service in (POSTGRES, MYSQL, REDIS, RABBITMQ) if (text := service.silent())]
    lines, failed = [], False
    for stack in stacks():
        began, well = time.monotonic(), run(stack, options.core, options.paths)
        failed = failed or not well
        lines.append(f"{'passed' if well else 'FAILED'}: {stack.name} ({time.monotonic() - began:.0f} s)")
    print()
    print(*lines, *(f"skipped, not reachable: {text}" for text in skipped), sep="\n")
    return int(failed)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests_services", description=__doc__)
    parser.add_argument(
        "--core", action="store_true", help="only tests whose answer may depend on the database"
    )
    parser.add_argument("paths", nargs="*", help="only these, and the tests of the brokers")
    return parser.parse_args()


def stacks() -> Iterator[Stack]:
    databases, brokers = (
        [service for service in pair if not service.silent()]
        for pair in ((POSTGRES, MYSQL), (REDIS, RABBITMQ))
    )
    for database, broker in zip_longest(databases, brokers):
        yield Stack(database, broker)


def run(stack: Stack, core: bool, paths: list[str]) -> bool:
    """The suite, then the tests of the broker, with whose queues nobody else may meddle meanwhile."""
    suite = [
        "-n",
        "2",
        "-m",
        "not acceptance and not browser",
        "--dist",
        "worksteal",
        *(["-p", "tests_services.core"] if core else []),
        *paths,
    ]
    well = True
    with tempfile.TemporaryDirectory(prefix="belfry-services-") as directory:
        environment = stack.environment(directory)
        for words in (suite, *([["tests_services"]] if stack.broker else [])):
            print(f"\n== {stack.name}: pytest {' '.join(words)}", flush=True)
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *words], env=environment, check=False
            ).returncode
            well = well and status in (0, NO_TESTS)
            if stack.database:
                clean_up(stack.database, stack.database_name)
    return well


if __name__ == "__main__":
    sys.exit(main())
