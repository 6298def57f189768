"""A supervisor of toy programs, run as a script by the tests of the supervisor.

Arguments: a directory, then the names of the programs. All their processes have the directory in their command line.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from scheduler_site.running import drain_status
from scheduler_site.running.console import Console
from scheduler_site.running.programs import Program
from scheduler_site.running.supervisor import Supervisor

LIVE = """
import os, signal, sys, time
from pathlib import Path
directory, name = Path(sys.argv[1]), sys.argv[2]
def note(text):
    with open(directory / "notes", "a") as notes:
        notes.write(f"{name} {text} {os.getpid()}\\n")
def live(ignoring=False, lag=0):
    def end(number, frame):
        time.sleep(lag)
        note("ended")
        sys.exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if ignoring else end)
    note("started")
    while True:
        time.sleep(60)
"""

DETACH = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        name = "grandchild"
        live(ignoring=True)
    os._exit(0)
os.wait()
"""

# name: the code of the program, and its last argument
TOYS: dict[str, tuple[str, bool]] = {
    "polite": (LIVE + "live()", False),
    "slow": (LIVE + "live(lag=1)", False),
    "broker": (LIVE + "live()", True),
    "deaf": (LIVE + "live(ignoring=True)", False),
    "parent": (LIVE + DETACH + "live()", False),
    "long": (LIVE + "live(lag=6)", False),
    "quick": (LIVE + "live()", False),
    "drained": (f"import sys; sys.exit({drain_status.STATUS})", False),
    "broken": ("import sys; sys.exit('the settings are wrong')", False),
}


# Those that go on after the supervisor, which waits two seconds for them.
OUTLIVING = ("long", "quick")


def toy(name: str, directory: Path) -> Program:
    code, last = TOYS[name]
    argv = (sys.executable, "-I", "-S", "-c", code, str(directory), name)
    outlives = name in OUTLIVING
    return Program(name, argv, grace=30 if outlives else 2, last=last, outlives=outlives)


def main(directory: Path, names: list[str]) -> int:
    console = Console(sys.stdout)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    handover = 2 if set(names) & set(OUTLIVING) else 0
    supervisor = Supervisor(console, lock=lock, handover=handover)
    supervisor.start(*(toy(name, directory) for name in names))
    supervisor.watch()
    supervisor.stop()
    console.close()
    return int(supervisor.failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
