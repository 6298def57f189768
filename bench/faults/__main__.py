"""`python -m bench.faults`: hurts a running Belfry in every way we know, and prints one table.

Ends with status 1 when the promise was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.servers.stack import LEFT_OUT, STACKS, Stack

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    options = _options()
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    random.seed(options.seed)
    directory = Path(tempfile.mkdtemp(prefix="belfry-faults-", dir="/tmp"))
    directory.chmod(0o711)
    stack = Stack(options.stack, directory)
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    os.environ.update(stack.environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "scheduler_site.settings"
    os.chdir(ROOT)
    kept = True
    try:
        broken = _run(stack, options)
        kept = broken or options.keep
    finally:
        stack.end()
        if kept:
            print(f"Logs and traces are in {directory}.")
        else:
            shutil.rmtree(directory)
    return int(broken)


def _run(stack: Stack, options: argparse.Namespace) -> bool:
    import django

    if stack.database and not options.list:
        stack.database.start()
    django.setup()
    from django.core.management import call_command

    from bench.faults.report import heading, line, record, run_one
    from bench.faults.trials import FAULTS, ON_REQUEST

    if options.list:
        for name, fault in FAULTS.items():
            print(f"{name:22} {fault.__doc__}")
        return False
    call_command("migrate", verbosity=0, interactive=False)
    stack.start_brokers()
    names = options.only or [name for name in FAULTS if name not in ON_REQUEST]
    if unknown := set(names) - set(FAULTS):
        raise SystemExit(f"There is no fault {', '.join(sorted(unknown))}; --list shows them.")
    print(
        f"Belfry on {stack.name}, seed {options.seed}, {time.strftime('%Y-%m-%d %H:%M')}\n{heading()}",
        flush=True,
    )
    broken = False
    for name in names:
        for _ in range(options.repeat):
            result = run_one(name, stack, fast=options.fast, size=options.size, minutes=options.minutes)
            broken |= bool(result.violations)
            print(line(result), flush=True)
            if options.record:
                extent = _extent(name, options)
                record(result, options.record, stack=stack.name, fast=options.fast, extent=extent)
    return broken


def _extent(name: str, options: argparse.Namespace) -> str:
    """How long or large a trial was of which one may say so."""
    if name == "soak":
        return f"{options.minutes:g} min"
    return f"{options.size} runs" if name in ("backlog", "long-job-deleted") else ""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="this fault; may be given several times"
    )
    parser.add_argument("--list", action="store_true", help="shows the faults and ends")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="each fault so often")
    parser.add_argument("--stack", choices=STACKS, default="sqlite")
    parser.add_argument("--fast", action="store_true", help="shorter freezes")
    parser.add_argument("--size", type=int, default=2000, help="runs in the long queue")
    parser.add_argument("--minutes", type=float, default=30, help="how long the soak lasts")
    parser.add_argument("--keep", action="store_true", help="keeps logs and traces even when all went well")
    parser.add_argument("--record", type=Path, metavar="FILE", help="adds a line of JSON for each trial")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the random moments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
