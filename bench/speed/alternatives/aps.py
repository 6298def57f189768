"""APScheduler with its jobs in memory and its default pool of ten threads: `python -m bench.speed.alternatives.aps`.

COUNT jobs fall due at the moment DUE (seconds since 1970). Each calls URL when there is one, and notes in FILE when it is
done. The grace is unlimited: with the default of one second it would drop what it cannot start in time.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time

import requests
from apscheduler.schedulers.blocking import BlockingScheduler  # type: ignore[import-untyped]


def main(count: int, due: float, path: str, url: str = "") -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def run(number: int) -> None:
        if url:
            requests.get(f"{url}/aps-{number}", timeout=60).raise_for_status()
        os.write(descriptor, f"{time.time()!r}\n".encode())

    scheduler = BlockingScheduler(timezone=dt.UTC)
    moment = dt.datetime.fromtimestamp(due, dt.UTC)
    for number in range(count):
        scheduler.add_job(run, "date", run_date=moment, args=[number], misfire_grace_time=None)
    scheduler.start()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
