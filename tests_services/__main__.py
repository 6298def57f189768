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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest

from scheduler_site.tests import schema
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
            given[schema.VARIABLE] = f"test_{self.database_name}_template"
        if self.broker:
            given["REDIS_URL" if self.broker is REDIS else "CELERY_BROKER_URL"] = self.broker.url
        return given


def main() -> int:
    options = arguments()
    skipped = [text for service in (POSTGRES, MYSQL, REDIS, RABBITMQ) if (text := service.silent())]
    # They wait for their servers more than they work; one after the other they would take twice as long.
    with ThreadPoolExecutor() as threads:
        results = list(threads.map(lambda stack: run(stack, options.core, options.paths), stacks()))
    print()
    print(*results, *(f"skipped, not reachable: {text}" for text in skipped), sep="\n")
    return int(not all(result.well for result in results))


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


@dataclass(frozen=True)
class Result:
    name: str
    well: bool
    seconds: float

    def __str__(self) -> str:
        return f"{'passed' if self.well else 'FAILED'}: {self.name} ({self.seconds:.0f} s)"


def run(stack: Stack, core: bool, paths: list[str]) -> Result:
    """The suite, then the tests of the broker, with whose queues nobody else may meddle meanwhile."""
    began, well = time.monotonic(), True
    chosen = ["-p", "tests_services.core"] if core else []
    suite = [
        "-m",
        "not acceptance and not browser",
        *(["-n", "2", "--dist", "worksteal"] if not core else []),
        *chosen,
        *paths,
    ]
    with tempfile.TemporaryDirectory(prefix="belfry-services-") as directory:
        environment = stack.environment(directory)
        try:
            for words in (suite, *([["tests_services"]] if stack.broker else [])):
                well = _pytest(stack, words, environment) and well
        finally:
            if stack.database:
                clean_up(stack.database, stack.database_name)
    return Result(stack.name, well, time.monotonic() - began)


def _pytest(stack: Stack, words: list[str], environment: dict[str, str]) -> bool:
    """What it says is shown when it has ended: others speak meanwhile."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(f"\n== {stack.name}: pytest {' '.join(words)}\n{done.stdout}", end="", flush=True)
    return done.returncode in (0, NO_TESTS)


if __name__ == "__main__":
    sys.exit(main())
