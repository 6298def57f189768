"""`python -m bench.history`: what the pages and the API cost when the ledger is long, beside plain SQL for the same rows.

Starts a PostgreSQL and a Redis of its own in a temporary directory, fills the ledger, asks, prints a table, and ends them.
`total` is the whole answer, `database` the part of it that was spent in statements; both are compared with `plain`, the
statements that somebody would write by hand. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.servers.stack import LEFT_OUT, Stack

SERVER = ("-c", "shared_buffers=256MB", "-c", "work_mem=16MB")


def main() -> int:
    options = _options()
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = Path(tempfile.mkdtemp(prefix="belfry-history-", dir="/tmp"))
    directory.chmod(0o711)
    stack = Stack("postgres-redis", directory)
    assert stack.database
    stack.database.argv += SERVER
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    os.environ.update(stack.environment)
    os.environ.update(DJANGO_SETTINGS_MODULE="scheduler_site.settings", LOG_LEVEL="ERROR")
    try:
        stack.database.start()
        stack.start_brokers()
        _measure(options)
    finally:
        stack.end()
        shutil.rmtree(directory)
    return 0


def _measure(options: argparse.Namespace) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    # The pages name the files that they need; these lie in the temporary directory too.
    call_command("collectstatic", verbosity=0, interactive=False)
    from bench.history import ledger, looks

    began = time.monotonic()
    ledger.fill(options.rows, options.jobs, options.days)
    took, load = time.monotonic() - began, os.getloadavg()[0]
    what = f"{options.rows} runs of {options.jobs} jobs in {options.days:g} days"
    print(f"{what}, made in {took:.0f} s, load {load:.1f}")
    looks.table(options.repeats, explain=options.explain)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the ledger")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=90, help="how far the ledger reaches back")
    parser.add_argument("--repeats", type=int, default=7, help="the median of so many is shown")
    parser.add_argument(
        "--explain", action="store_true", help="the plan of the slowest statement of each row"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
