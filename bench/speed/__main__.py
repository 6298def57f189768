"""`python -m bench.speed`: what Belfry costs beside the alternatives, as one table of ratios.

Starts a PostgreSQL and a Redis of its own in a temporary directory, and ends them. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.servers.stack import LEFT_OUT, Stack

if TYPE_CHECKING:
    from bench.speed.bench import Bench
    from bench.speed.figures import Line

# Cheap ones first. The modules are imported when Django is set up.
ROWS = {
    "drain": "drain",
    "classes": "classes",
    "class-changed": "classes",
    "burst-code": "classes",
    "run-now": "classes",
    "classes-due": "classes",
    "webhooks": "webhooks",
    "first-start": "first_start",
    "burst-10k": "burst",
    "due-of-many": "many",
    "beat": "beats",
    "api-burst": "api",
    "script-cost": "scripts",
    "scripts-at-once": "scripts",
}
MANY = {"small": 10_000, "full": 100_000, "million": 1_000_000}
SERVER = (
    "-c",
    "shared_preload_libraries=pg_stat_statements",
    "-c",
    "shared_buffers=512MB",
    "-c",
    "max_connections=300",
)


def main() -> int:
    options = _options()
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = Path(tempfile.mkdtemp(prefix="belfry-speed-", dir="/tmp"))
    directory.chmod(0o711)
    stack = Stack("postgres-redis", directory)
    assert stack.database
    stack.database.argv += SERVER
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    os.chdir(Path(__file__).resolve().parents[2])
    os.environ.update(stack.environment)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="bench.speed.settings", LOG_LEVEL="WARNING", CELERY_SKIP_CHECKS="1"
    )
    failed = True
    try:
        failed = _run(stack, options, directory)
    finally:
        stack.end()
        if failed or options.keep:
            print(f"Logs are in {directory}.")
        else:
            shutil.rmtree(directory)
    return int(failed)


def _run(stack: Stack, options: argparse.Namespace, directory: Path) -> bool:
    import django

    if stack.database and not options.list:
        stack.database.start()
        stack.broker.start()
    django.setup()
    rows = _rows()
    if options.list:
        for name, row in rows.items():
            print(f"{name:13} {(row.__doc__ or '').strip()}")
        return False
    if unknown := set(options.only or ()) - set(rows):
        raise SystemExit(f"There is no row {', '.join(sorted(unknown))}; --list shows them.")
    return _measure({name: rows[name] for name in options.only or rows}, stack, options, directory)


def _measure(
    rows: dict[str, Callable[[Bench], Iterator[Line]]],
    stack: Stack,
    options: argparse.Namespace,
    directory: Path,
) -> bool:
    from django.core.management import call_command

    from bench.speed import figures, population
    from bench.speed.bench import Bench

    bench = Bench(stack, directory, small=options.size != "full", many=MANY[options.size])
    bench.prepare()
    call_command("migrate", verbosity=0, interactive=False)
    population.check()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Size {options.size}, {os.cpu_count()} cores, load {load}, {time.strftime('%Y-%m-%d %H:%M')}")
    print(figures.heading(), flush=True)
    failed = False
    for name, row in rows.items():
        began = time.monotonic()
        try:
            for line in row(bench):
                print(figures.render(name, line), flush=True)
        except (TimeoutError, RuntimeError, ValueError) as error:
            failed = True
            print(f"{name:13} not measured: {error}", flush=True)
        if errors := bench.errors():
            failed = True
            print(f"{'':14}NOT TO BE TRUSTED: errors in the logs: {', '.join(errors)}", flush=True)
        print(f"{'':14}took {time.monotonic() - began:.0f} s, load now {os.getloadavg()[0]:.1f}", flush=True)
    return failed


def _rows() -> dict[str, Callable[[Bench], Iterator[Line]]]:
    return {
        name: getattr(import_module(f"bench.speed.rows.{module}"), name.replace("-", "_"))
        for name, module in ROWS.items()
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--only", nargs="+", action="extend", metavar="NAME", help="these rows")
    parser.add_argument("--list", action="store_true", help="shows the rows and ends")
    parser.add_argument(
        "--size",
        choices=tuple(MANY),
        default="small",
        help="million: as small, but due-of-many and beat with so many jobs",
    )
    parser.add_argument("--keep", action="store_true", help="keeps the logs even when all went well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
