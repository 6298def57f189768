"""`python -m bench.hostile`: what pages cost while clients mean no good, as ratios to the quiet site.

Starts a PostgreSQL and a Redis of its own in a temporary directory, fills them, starts the web programs, and ends all of
it. With `--threads` gunicorn's threaded worker is measured too, by turns. With `--load` (needs wrk) the requests per second and
the p99 of both at 16 and 64 connections, and of the Django admin's lists of the same rows; all take turns. With
`--stack sqlite` on SQLite. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.servers.stack import LEFT_OUT, Stack

if TYPE_CHECKING:
    from bench.hostile.site import People, Site

ROWS = {
    "silent": 500,
    "slow headers": 500,
    "slow body": 500,
    "greedy readers": 100,
    "waiting": 50,
    "flood": 50,
}
SECONDS = 4
ADMIN = "the Django admin"


def main() -> int:
    options = _options()
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = Path(tempfile.mkdtemp(prefix="belfry-hostile-", dir="/tmp"))
    directory.chmod(0o711)
    stack = Stack(options.stack, directory)
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    os.environ.update(stack.environment)
    # All waiting requests of this bench are one account's: its bound is not what is measured.
    os.environ.update(
        DJANGO_SETTINGS_MODULE="scheduler_site.settings",
        LOG_LEVEL="ERROR",
        WAITS_PER_ACCOUNT="1000",
        LAUNCHES_PER_MINUTE="0",
    )
    try:
        if stack.database:
            stack.database.start()
        stack.start_brokers()
        _measure(options, directory)
    finally:
        stack.end()
        shutil.rmtree(directory)
    return 0


def _measure(options: argparse.Namespace, directory: Path) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    from bench.hostile.site import people, site

    asker = people(options.runs, options.jobs)
    print(f"{options.jobs} jobs, {options.runs} runs, load {os.getloadavg()[0]:.1f}")
    for threads in () if options.load_only else (False, True) if options.threads else (False,):
        name = "gunicorn's threads" if threads else "the front"
        with site(directory / "web.log", threads=threads) as served:
            _table(name, served, asker, options)
    if options.load or options.load_only:
        with (
            site(directory / "a.log") as ours,
            site(directory / "b.log", threads=True) as others,
            site(directory / "c.log", application="bench.hostile.admin:application") as admin,
        ):
            _loads({"the front": ours, "gunicorn's threads": others, ADMIN: admin}, asker, options)


def _table(name: str, served: Site, asker: People, options: argparse.Namespace) -> None:
    from bench.hostile.site import LIMIT, crowd

    for path in asker.pages.values():
        served.median(path, asker, 6)  # both processes import what they need
    print(f"\n{name}: {served.memory:.0f} MB. Median seconds, ratio to the quiet site, (longest)")
    print(f"{'row':22}" + "".join(f"{page:>26}" for page in asker.pages))
    quiet = {page: served.median(path, asker, options.times)[0] for page, path in asker.pages.items()}
    print(f"{'quiet':22}" + "".join(f"{seconds:26.3f}" for seconds in quiet.values()))
    for kind, count in ROWS.items():
        if options.only and kind not in options.only:
            continue
        path = asker.execute if kind == "waiting" else asker.long_log
        cells: list[str] = []
        with crowd(kind, count, served.port, path, asker.token):
            for page, address in asker.pages.items():
                # Where two pages are not answered, waiting for the others tells nothing more.
                down = cells.count(f"no answer ({LIMIT:.2f})") > 1
                middle, longest = (LIMIT, LIMIT) if down else served.median(address, asker, options.times)
                told = "no answer" if middle >= LIMIT else f"{middle:.3f}  {middle / quiet[page]:.1f}x"
                cells.append(f"{told} ({longest:.2f})")
            memory = served.memory
        print(
            f"{count:4} {kind:17}" + "".join(f"{cell:>26}" for cell in cells) + f"  {memory:.0f} MB",
            flush=True,
        )


def _loads(sites: dict[str, Site], asker: People, options: argparse.Namespace) -> None:
    """By turns, so that all see the same machine; medians of the turns, and the ratios of the front's to the others'.

    The processor time for a request is that of the web processes alone: it is worth more than the other two on a machine that
    has other things to do.
    """
    if not shutil.which("wrk"):
        print("wrk is not installed: no load is measured.")
        return
    lists = {"jobs": "/admin/jobs/job/", "executions": "/admin/executions/execution/"}
    # The page of runs, as the admin's is one; the API's list has no other.
    pages = asker.pages | {
        "runs (page)": "/executions",
        "execute": asker.execute.replace("wait=60", "wait=0"),
    }
    instead = {"dashboard": lists["executions"], "jobs": lists["jobs"], "runs (page)": lists["executions"]}
    print(f"\nRequests per second and p99, medians of {options.repeats} turns, load {os.getloadavg()[0]:.1f}")
    for page, path in pages.items():
        for connections in (16, 64):
            turns: dict[str, list[tuple[float, float, float]]] = {}
            for name, served in list(sites.items()) * options.repeats:
                address = instead.get(page, "") if name == ADMIN else path
                if address:
                    turns.setdefault(name, []).append(_load(served, address, connections, asker))
            medians = {name: _medians(found) for name, found in turns.items()}
            first = next(iter(medians.values()))
            for name, (rate, last, cpu) in medians.items():
                ratios = " ".join(
                    f"{own / max(other, 0.001):6.2f}x"
                    for own, other in zip(first, (rate, last, cpu), strict=True)
                )
                print(
                    f"{page:12} {connections:3}  {name:18} {rate:8.1f}/s {last:7.0f} ms {cpu:7.1f} ms CPU  {ratios}",
                    flush=True,
                )


def _medians(turns: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    rates, lasts, cpus = zip(*turns, strict=True)
    return statistics.median(rates), statistics.median(lasts), statistics.median(cpus)


def _load(served: Site, path: str, connections: int, asker: People) -> tuple[float, float, float]:
    """Requests a second, the p99 in milliseconds, and milliseconds of processor time for a request."""
    # The login page is for those who have not logged in.
    page = path != "/login" and not path.startswith("/api/")
    who = f"Cookie: {asker.cookie}" if page else f"Authorization: Bearer {asker.token}"
    argv = ["wrk", "-t2", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "20s", "--latency", "-H", who]
    if "/execute" in path:
        script = Path(os.environ["DATA_DIR"], "post.lua")
        script.write_text('wrk.method = "POST"')
        argv += ["-s", str(script)]
    served.ask(path if "/execute" not in path else "/healthz", asker)  # what it needs is imported by then
    before = served.processor
    said = subprocess.run(
        [*argv, f"http://127.0.0.1:{served.port}{path}"], capture_output=True, text=True
    ).stdout
    spent = served.processor - before
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+(\S+)", said)
    last = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", said)
    if wrong := re.search(r"(Non-2xx.*|Socket errors.*)", said):
        print(f"{path}: {wrong[1]}", flush=True)
    milliseconds = float(last[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[last[2]] if last else 0.0
    return float(rate[1]) if rate else 0.0, milliseconds, 1000 * spent / max(int(count[1]) if count else 0, 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--threads", action="store_true", help="gunicorn's threaded worker too")
    parser.add_argument(
        "--load", action="store_true", help="requests per second, beside the threads and the Django admin"
    )
    parser.add_argument("--load-only", action="store_true", help="nothing but that")
    parser.add_argument("--stack", default="postgres-redis", choices=("postgres-redis", "sqlite"))
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--times", type=int, default=15, help="each page is asked for so often")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
