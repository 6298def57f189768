"""The request to a child process and the reports about it."""

from __future__ import annotations

import resource
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Literal

from environments.os_account import Account

# unstartable: the request is at fault (no such program or class); unavailable: we are (no process, no disk), and nothing has
# run; lost: what supervised it died, and the job was ended.
# limit: the whole tree used more than it may, and was ended for it. stale: nothing has run, since the files are others than
# those that had been imported for it.
Ending = Literal["exited", "timeout", "stopped", "limit", "unstartable", "unavailable", "lost", "stale"]
# [seconds since the start, bytes of memory, CPU seconds so far]
Point = tuple[float, int, float]


@dataclass(frozen=True)
class Limits:
    """Resource limits of the job's processes (setrlimit(2)); None leaves the limit as it is. No core files, ever."""

    open_files: int | None = None
    address_space: int | None = None  # bytes, of each process
    processes: int | None = None  # of the user, not of the job
    file_size: int | None = None  # bytes
    cpu: int | None = None  # seconds, of each process


@dataclass(frozen=True)
class Ceilings:
    """What all processes of a run may use together; the supervisor looks several times a second. None: no ceiling."""

    memory: int | None = None  # bytes
    cpu: float | None = None  # seconds
    processes: int | None = None

    def within(self, bounds: Ceilings) -> Ceilings:
        """The lower of each."""
        pairs = {name: (value, getattr(bounds, name)) for name, value in asdict(self).items()}
        return Ceilings(
            **{name: min((v for v in both if v is not None), default=None) for name, both in pairs.items()}
        )


@dataclass(frozen=True)
class Call:
    """Import a class by its dotted path, make an instance and call its `run(*args)`."""

    path: str
    args: list[Any] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None  # default: a private directory, removed afterwards


@dataclass(frozen=True)
class Exec:
    """Execute a program; `argv[0]` is looked up in PATH when it has no slash. No shell."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None  # default: a private directory, removed afterwards
    files: dict[str, str] = field(default_factory=dict)  # written (UTF-8, 0600) into the private directory


Request = Call | Exec


@dataclass(frozen=True)
class Finished:
    """How a child ended. Memory is in bytes, CPU in seconds, both of the whole process tree."""

    ending: Ending
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    result: str | None = None  # JSON text of what a Call returned
    error: str | None = None  # "TypeError: ..." when a Call raised
    peak_memory: int | None = None
    mean_memory: int | None = None
    cpu_seconds: float | None = None
    points: tuple[Point, ...] = ()
    loaded: tuple[str, ...] = ()  # modules of libraries that a Call has imported, where that was asked


def to_wire(
    request: Request,
    *,
    private: str,
    grace: float,
    limits: Limits,
    ceilings: Ceilings,
    account: Account | None = None,
    learn: bool = False,
) -> dict[str, Any]:
    """The request as the supervisor reads it: tagged with `call` or `exec`.

    private: path of a directory for the run alone; the supervisor makes and removes it.
    learn: whether a Call tells what it imports.
    """
    usual = {"TMPDIR": private, "PYTHONUNBUFFERED": "1"} | (account.variables if account else {})
    common: dict[str, Any] = {"env": usual | request.env, "cwd": request.cwd or private, "private": private}
    common |= {"grace": grace, "limits": _numbered(limits), "ceilings": _named(ceilings)}
    common["account"] = list(account) if account else None
    if isinstance(request, Call):
        return {"call": request.path, "args": request.args, "learn": learn, **common}
    return {"exec": request.argv, "files": request.files, **common}


_RESOURCES = {
    "open_files": resource.RLIMIT_NOFILE,
    "address_space": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_size": resource.RLIMIT_FSIZE,
    "cpu": resource.RLIMIT_CPU,
}


@lru_cache(maxsize=256)
def _numbered(limits: Limits) -> list[tuple[int, int]]:
    """As setrlimit(2) has them."""
    return [(_RESOURCES[name], value) for name, value in asdict(limits).items() if value is not None]


@lru_cache(maxsize=256)
def _named(ceilings: Ceilings) -> dict[str, float]:
    return {name: value for name, value in asdict(ceilings).items() if value is not None}
