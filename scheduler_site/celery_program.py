"""`python -m scheduler_site.celery_program worker io 4` and `... beat`: what `manage.py up` starts of Celery.

Like the command lines in Procfile, but without Celery's own command line, whose modules cost each program ten megabytes.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

from celery.utils.nodenames import host_format

from scheduler_site.celery import app

LONGEST_SLEEP = 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="scheduler_site.celery_program", description=__doc__)
    programs = parser.add_subparsers(required=True)
    programs.add_parser("beat").set_defaults(run=lambda _options: _beat())
    worker = programs.add_parser("worker")
    worker.add_argument("queue")
    worker.add_argument("threads", type=int)
    worker.set_defaults(run=lambda options: _worker(options.queue, options.threads))
    options = parser.parse_args()
    return int(options.run(options) or 0)


def _beat() -> None:
    app.Beat(loglevel=logging.WARNING, quiet=True, pidfile=None, max_interval=LONGEST_SLEEP).run()


def _worker(queue: str, threads: int) -> Any:
    worker = app.Worker(
        hostname=host_format(f"{queue}@%h"),
        queues=[queue],
        pool_cls="threads",
        concurrency=threads,
        loglevel=logging.WARNING,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return worker.exitcode


if __name__ == "__main__":
    sys.exit(main())
