"""Linux process calls: prctl(2) for this process, proc(5) for others."""

# Plain os calls: pathlib would be one more thing in memory at each fork.
# ruff: noqa: PTH110, PTH123, PTH208

from __future__ import annotations

import contextlib
import os
import signal

from environments import prctl

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_HAS_CHILDREN_FILE = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Receive this signal when the parent's thread ends. Exits at once if it is gone already."""
    prctl.die_with_parent(number, strict=True)
    if os.getppid() != parent:
        os._exit(1)


def children_of(pid: int) -> list[int]:
    """The direct children of a process, of all its threads; empty when it is gone."""
    if not _HAS_CHILDREN_FILE:
        return _children_by_psutil(pid)
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb", buffering=0) as children:
                found += map(int, children.read().split())
    return found


def _children_by_psutil(pid: int) -> list[int]:
    """For systems without that file of proc(5)."""
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def descendants_of(pid: int) -> list[int]:
    """All descendants, parents before their children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        children = children_of(pending.pop())
        found += children
        pending += children
    return found


def resident_memory(pid: int) -> int:
    """Bytes of RAM the process occupies now (shared pages counted in each); 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as statm:
            return int(statm.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def proportional_memory(pid: int) -> int:
    """Bytes of RAM of the process, each shared page divided by the number of those who have it; 0 when not known.

    The kernel walks the page tables for it: about 1 ms for each 100 MB.
    """
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb", buffering=0) as rollup:
        for line in rollup.read().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


class ProcessState:
    """One look at proc(5)'s stat: the letter of its state, CPU seconds of it and of the children it has waited for."""

    __slots__ = ("cpu", "letter")

    def __init__(self, letter: str = "", cpu: float = 0.0) -> None:
        self.letter, self.cpu = letter, cpu

    @property
    def moves(self) -> bool:
        """Neither stopped nor ended."""
        return self.letter not in ("", "T", "t", "Z", "X")


def state_of(pid: int) -> ProcessState:
    """Empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return ProcessState(fields[0].decode(), sum(map(int, fields[11:15])) / _TICKS)
    except (OSError, IndexError):
        return ProcessState()


def receive_signals(end: int) -> int:
    """CHLD and the end signal become readable bytes on the returned descriptor."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, end):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    return reading


def send_signal(pid: int, number: int) -> None:
    """Signal a process that may have gone, or may belong to somebody else, in the meantime."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown signal"
