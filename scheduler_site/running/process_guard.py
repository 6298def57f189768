"""Guards one program of the supervisor: no process of it survives, whichever process is killed.

    supervisor ── guard ── program ── whatever the program starts, in whatever session

The guard adopts what the program leaves behind, and ends it. It ends everything when the supervisor asks (TERM:
in peace, QUIT: at once) and when the supervisor dies (prctl(2), PR_SET_PDEATHSIG). Exits with the status of the
program; 128 + n when signal n ended it.

Started by its path, with the standard library and environments/prctl.py only: a few megabytes, ready in milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any, Protocol

if __name__ == "__main__":
    # Run by its path and isolated (-I -S), it finds the standard library alone; after that, this project.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
from environments.prctl import become_subreaper, die_with_parent

# What a program that ended by itself left behind may finish in this time (seconds).
LEFTOVERS_GRACE = 5.0


def _parents() -> dict[int, int]:
    """The parent of every process."""
    if sys.platform != "linux":
        table = subprocess.run(
            ["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False
        ).stdout
        return {int(pid): int(parent) for pid, parent in (line.split() for line in table.splitlines())}
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            # The name in parentheses may hold anything, blanks and parentheses too (proc(5)).
            after_name = (entry / "stat").read_text("latin-1").rpartition(")")[2]
            found[int(entry.name)] = int(after_name.split()[1])
    return found


def descendants(ancestor: int) -> set[int]:
    """The processes below this one."""
    parents = _parents()
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {ancestor}} - found:
        found |= more
    return found


def kill_descendants(kept: Set[int] = frozenset()) -> set[int]:
    """KILL all processes below this one but those `kept`; who they were.

    Those that fork meanwhile are caught by the next call.
    """
    found = descendants(os.getpid()) - kept
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return found


def _wake(number: int, frame: object) -> None:
    """A signal without a handler would not wake the waiting call."""


def wakeup_pipe() -> int:
    """A file descriptor that becomes readable with every signal that has a handler, SIGCHLD included."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _wake)
    return reading


def sleep_until_signal(wakeup: int, seconds: float) -> None:
    if select.select([wakeup], [], [], max(0.0, seconds))[0]:
        os.read(wakeup, 4096)


class Program(Protocol):
    """A process that was started: by exec here, or by fork (scheduler_site/running/fork.py)."""

    pid: int
    returncode: int | Any

    def terminate(self) -> None: ...


class Guard:
    """One program from its start until no process of it is left."""

    def __init__(self, options: argparse.Namespace, start: Callable[[], Program] | None = None) -> None:
        self.options = options
        self._start = start or self._execute
        self.status: int | None = None
        self.asked = self.urged = False
        self.deadline: float | None = None
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGQUIT, self._hurry)
        signal.signal(signal.SIGUSR1, self._urge)
        self.wakeup = wakeup_pipe()

    def hold(self) -> int:
        """Runs the program; the status to exit with."""
        become_subreaper()
        die_with_parent(signal.SIGTERM)
        self.program = self._start()
        while self._reap():
            waiting = (self.asked or self._orphaned()) and self.deadline is None
            if waiting and self._not_needed():
                self._stop()
            if self.deadline is not None and time.monotonic() >= self.deadline:
                kill_descendants()
            sleep_until_signal(self.wakeup, 0.05 if waiting else 0.5)
        return self.status if self.status is not None else 1

    def _execute(self) -> Program:
        return subprocess.Popen(
            self.options.argv, pass_fds=self.options.keep, preexec_fn=lambda: die_with_parent(signal.SIGKILL)
        )

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True

    def _urge(self, number: int, frame: object) -> None:
        """Like TERM, without waiting for others."""
        self.urged = self.asked = True

    def _hurry(self, number: int, frame: object) -> None:
        self.asked, self.deadline = True, time.monotonic()

    def _orphaned(self) -> bool:
        return bool(os.getppid() != self.options.parent)

    def _not_needed(self) -> bool:
        """Whether the others have ended: they and the supervisor hold the far end of the pipe open until then."""
        after = self.options.after
        return self.urged or after is None or bool(select.select([after], [], [], 0)[0])

    def _stop(self) -> None:
        self.deadline = time.monotonic() + self.options.grace
        if self.status is None:
            self.program.terminate()

    def _reap(self) -> bool:
        """Reaps ended children; returns whether any is left."""
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.program.pid:
                    self._ended(os.waitstatus_to_exitcode(found[1]))
        except ChildProcessError:
            return False
        return True

    def _ended(self, code: int) -> None:
        self.program.returncode = code
        self.status = code if code >= 0 else 128 - code
        if self.deadline is None:
            self.deadline = time.monotonic() + LEFTOVERS_GRACE


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parent", type=int, required=True, help="process id of the supervisor")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between TERM and KILL")
    parser.add_argument("--after", type=int, help="do not stop before the end of file of this descriptor")
    parser.add_argument(
        "--keep", type=int, action="append", default=[], help="descriptor to hand to the program"
    )
    parser.add_argument("argv", nargs="+")
    try:
        return Guard(parser.parse_args()).hold()
    except OSError as error:
        sys.stderr.write(f"cannot be started: {error}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
