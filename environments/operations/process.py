"""One child process: what it is asked, what it says, and how it is ended.

The child is the leader of a session of its own. It reads one line of JSON (base.Request), and writes one for each thing that
it does: `{"progress": text}`, and last `{"done": {...}}`, `{"failed": {...}}` or `{"invalid": text}`. Its standard input stays
open while it is wanted: a child whose parent was killed reads the end of it, and ends too.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from environments.backends.base import Failed, Invalid, Request
from environments.config import AccountUnusable, job_account, surroundings
from environments.home_directory import hand_over

COMMAND = (sys.executable, "-P", "-m", "environments.operations.child")
# Between TERM and KILL.
GRACE = 5.0
TICK = 0.25
# Of one line, and of what is kept of the child's standard error.
LONGEST_LINE = 8 * 1024 * 1024
LAST_WORDS = 4096

# Called with the progress so far; returns the reason to stop, or an empty text.
Pulse = Callable[[], str]
TIMEOUT = "timeout"


class Stopped(Exception):
    """The child was ended before it had finished; str(self) is the reason that `Pulse` gave, or TIMEOUT."""


@dataclass
class _Said:
    """What the child has said so far."""

    progress: Callable[[str], None]
    rest: bytes = b""
    answer: dict[str, Any] | None = None

    def hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LONGEST_LINE:
            self.rest = b""
        for line in filter(None, lines):
            self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            said = {"progress": line}  # a tool that writes past its owner
        if not isinstance(said, dict):
            return
        if "progress" in said:
            self.progress(str(said["progress"]))
        elif said.keys() & {"done", "failed", "invalid"}:
            self.answer = said


def ask(
    request: Request,
    *,
    seconds: float,
    progress: Callable[[str], None] = lambda _text: None,
    pulse: Pulse = lambda: "",
    lock: IO[bytes] | None = None,
) -> dict[str, Any]:
    """What the child has done. Nothing of it lives when this returns.

    Raises Failed and Invalid as the child says; Stopped when `pulse` or the deadline ended it.
    """
    try:
        variables = surroundings()
        _prepare(request)
    except AccountUnusable as problem:
        raise Failed(str(problem)) from problem
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=variables,
            cwd="/",
            start_new_session=True,
            pass_fds=(lock.fileno(),) if lock else (),
        )
        said = _Said(progress)
        try:
            _tell(child, request)
            reason = _follow(child, said, pulse, time.monotonic() + seconds)
            if reason:
                _end(child, said)
        finally:
            _kill(child)
        if said.answer is None and reason:
            raise Stopped(reason)
        return _judged(said.answer, child.returncode, errors)


def _prepare(request: Request) -> None:
    """The folders that the child writes into are its account's, where that is another one. Raises AccountUnusable, OSError."""
    if account := job_account():
        for folder in filter(None, (request.home, request.config.cache_dir)):
            hand_over(Path(folder), account)


def _tell(child: subprocess.Popen[bytes], request: Request) -> None:
    assert child.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):  # it is gone already, which its end will say
        child.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        child.stdin.flush()


def _follow(child: subprocess.Popen[bytes], said: _Said, pulse: Pulse, deadline: float) -> str:
    """Listens until the child has ended; else the reason for which it is to be stopped."""
    assert child.stdout is not None  # noqa: S101
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            # Asked before listening: what it said last is in the pipe by then, and nothing more is waited for.
            ended = child.poll() is not None
            if selector.select(0 if ended else TICK):
                data = os.read(child.stdout.fileno(), 65536)
                if not data:
                    return ""
                said.hear(data)
            elif ended:
                return ""  # somebody else still has its standard output
            if reason := TIMEOUT if time.monotonic() > deadline else pulse():
                return reason


def _end(child: subprocess.Popen[bytes], said: _Said) -> None:
    """TERM, and some time to put things in order."""
    _signal(child.pid, signal.SIGTERM)
    _follow(child, said, lambda: "", time.monotonic() + GRACE)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Whatever of the session is left, in whichever group it is."""
    for pid in _session(child.pid):
        _signal_one(pid, signal.SIGKILL)
    _signal(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal_one(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _session(leader: int) -> list[int]:
    """The processes of a session, from proc(5); none where there is no /proc."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if len(fields) > 3 and int(fields[3]) == leader:
            found.append(int(stat.parent.name))
    return found


def _judged(answer: dict[str, Any] | None, code: int, errors: IO[bytes]) -> dict[str, Any]:
    if answer is None:
        words = f"The process ended without an answer ({_ending(code)})."
        raise Failed(f"{words}\n{_tail(errors)}".strip(), broken=True)
    if "invalid" in answer:
        raise Invalid(str(answer["invalid"]))
    if "failed" in answer:
        failed = answer["failed"]
        raise Failed(
            str(failed.get("text", "")),
            packages=[str(name) for name in failed.get("packages") or ()],
            details=[str(text) for text in failed.get("details") or ()],
            broken=bool(failed.get("broken")),
        )
    done = answer["done"]
    return done if isinstance(done, dict) else {}


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - LAST_WORDS))
    return errors.read().decode("utf-8", "replace")
