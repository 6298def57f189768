"""Monitors one run from the worker's thread: its output, reports, timeout, and requests to stop it."""

from __future__ import annotations

import codecs
import json
import marshal
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from .deadline import Deadline
from .job_process import MAX_RESULT
from .linux import signal_name
from .modules import LONGEST_LIST
from .run_supervisor import BEGUN, HEAD, STARTED
from .values import Ending, Finished

POLL_SECONDS = 0.1
CHUNK = 64 * 1024  # bytes read at once
MAX_RESULT_MESSAGE = 2 * MAX_RESULT + LONGEST_LIST + 8192  # bytes: the result is quoted once more
OVERDUE_SECONDS = 10.0  # after the grace: a supervisor that has not reported by then never will
START_SECONDS = 15.0  # for the server and the supervisor to start the job, however busy the machine is
MIB = 1 << 20
DRAIN_SECONDS = 2.0  # for what is left in the pipes once everybody is gone


class RunMonitor:
    """Reads what a child says and orders its end when it is time; one thread, one run.

    give_up: called each time that the supervisor has been silent for too long; its argument says whether the run had started.
    """

    def __init__(
        self,
        lifeline: socket.socket,
        output: int,
        result: int,
        *,
        log: Callable[[str], None],
        give_up: Callable[[bool], None],
        pulse: Callable[[], None] | None = None,
    ) -> None:
        self._lifeline = lifeline
        self._output = output
        self._result = result
        self._log = log
        self._give_up = give_up
        self._pulse = pulse or (lambda: None)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._said = bytearray()  # by the supervisor, up to the next line end
        self._returned = bytearray()  # by the job
        self._begun = self._started = False  # begun: something of it may have run
        self._ceilings: dict[str, float | None] = {}  # of the whole tree
        self._report: dict[str, Any] | None = None
        self._ordered: Ending | None = None
        self._overdue = self._start_by = float("inf")  # monotonic
        self._poll = select.poll()
        # Of a short run only the output and the ends wake this thread; the rest is read when both pipes have ended.
        self._poll.register(output, select.POLLIN)
        self._poll.register(result, 0)
        self._poll.register(lifeline.fileno(), 0)
        self._open, self._deaf = {output, result}, True
        self._deaf_until = time.monotonic() + POLL_SECONDS

    def until_finished(
        self,
        request: dict[str, Any],
        *,
        timeout: float,
        grace: float,
        cancelled: threading.Event,
        suspended: threading.Event | None = None,
    ) -> Finished:
        """Sends the request and waits until the supervisor has reported or is gone."""
        self._ceilings = request["ceilings"]
        clock = Deadline(timeout)
        self._start_by = time.monotonic() + START_SECONDS
        data = marshal.dumps(request)
        if not self._send(len(data).to_bytes(HEAD, "big") + data):
            self._read(0)  # a server whose files have changed says so and hangs up
            return self._finished(self._report) if self._report else self._lost()
        while self._report is None:
            lost = not self._read(POLL_SECONDS)
            if lost and self._report is None:
                self._drain()
                return self._lost()
            self._pulse()
            if self._ordered is None:
                self._steer(clock, grace, cancelled, suspended)
            elif time.monotonic() >= self._overdue:
                self._give_up(True)
                self._overdue = float("inf") if lost else time.monotonic() + OVERDUE_SECONDS
        self._drain()
        return self._finished(self._report)

    def _steer(
        self, clock: Deadline, grace: float, cancelled: threading.Event, suspended: threading.Event | None
    ) -> None:
        """The order that is due now, if one is."""
        now = time.monotonic()
        if cancelled.is_set() or clock.is_over:
            self._ordered = "stopped" if cancelled.is_set() else "timeout"
            self._overdue = now + grace + OVERDUE_SECONDS
            self._send(b"T")
        elif suspended and suspended.is_set() != clock.stands:
            clock.stand(still=suspended.is_set())
            self._send(b"S" if clock.stands else b"C")
        elif not self._started and now >= self._start_by:
            self._give_up(False)
            self._start_by = now + START_SECONDS

    def _send(self, data: bytes) -> bool:
        try:
            self._lifeline.settimeout(OVERDUE_SECONDS)
            self._lifeline.sendall(data)
        except OSError:
            return False
        return True

    def _read(self, seconds: float) -> bool:
        """One round of reading; False once the lifeline has ended."""
        if self._deaf and time.monotonic() >= self._deaf_until:
            self._listen()
        alive = True
        for descriptor, _event in self._poll.poll(seconds * 1000):
            try:
                data = os.read(descriptor, CHUNK)
            except OSError:
                data = b""
            if not data:
                self._close(descriptor)
                alive = alive and descriptor != self._lifeline.fileno()
            elif descriptor == self._output:
                self._show(data)
            elif descriptor == self._result:
                self._returned += data[: MAX_RESULT_MESSAGE - len(self._returned)]
            else:
                self._hear(data)
        return alive

    def _close(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        if descriptor == self._lifeline.fileno():
            self._deaf = False
            return
        self._open.discard(descriptor)
        if not self._open:
            self._listen()

    def _listen(self) -> None:
        """Hears everything at once from now on."""
        if self._deaf:
            self._deaf = False
            for descriptor in (self._lifeline.fileno(), *self._open):
                self._poll.modify(descriptor, select.POLLIN)

    def _show(self, data: bytes, *, final: bool = False) -> None:
        text = self._decoder.decode(data, final).replace("\0", "")
        if text:
            self._log(text)

    def _hear(self, data: bytes) -> None:
        self._said += data
        *lines, rest = bytes(self._said).split(b"\n")
        self._said = bytearray(rest)
        for line in lines:
            if line == BEGUN:
                self._begun = True
            elif line == STARTED:
                self._started = True
            else:
                self._report = json.loads(line)

    def _drain(self) -> None:
        """What the pipes still hold; nobody is left to write, so this ends at once (bounded all the same)."""
        give_up = time.monotonic() + DRAIN_SECONDS
        for descriptor in (self._output, self._result):
            os.set_blocking(descriptor, False)
            while time.monotonic() < give_up:
                try:
                    data = os.read(descriptor, CHUNK)
                except BlockingIOError:
                    break
                if not data:
                    break
                if descriptor == self._output:
                    self._show(data)
                else:
                    self._returned += data[: MAX_RESULT_MESSAGE - len(self._returned)]
        self._show(b"", final=True)

    def _lost(self) -> Finished:
        if self._ordered:
            return Finished(self._ordered, "Ended by force")
        if not self._begun:
            return Finished("unavailable", "The process that was to start the job died.")
        return Finished("lost", "The process that supervised the job died, and the job was ended.")

    def _finished(self, report: dict[str, Any]) -> Finished:
        faults: tuple[Ending, ...] = ("stale", "unavailable", "unstartable", "lost")
        for fault in faults:
            if fault in report:
                return Finished(self._ordered or fault, report[fault])
        returned = self._parse_result()
        code, number = report["code"], report["signal"]
        ending, message = self._verdict(report, returned)
        return Finished(
            ending,
            message=message,
            exit_code=code,
            signal=number,
            result=returned.get("result"),
            error=returned.get("error"),
            peak_memory=report["peak"],
            mean_memory=report["mean"],
            cpu_seconds=report["cpu"],
            points=tuple((at, size, cpu) for at, size, cpu in report["points"]),
            loaded=tuple(filter(None, returned.get("loaded", "").split(","))),
        )

    def _verdict(self, report: dict[str, Any], returned: dict[str, str]) -> tuple[Ending, str]:
        if self._ordered:
            return self._ordered, ""
        if report["abandoned"]:
            return "lost", "The process that starts jobs ended, and the job was ended with it."
        if report["struck"]:
            return "limit", self._over_limit(report["struck"])
        if returned.get("stage") == "import":
            return "unstartable", returned.get("error", "")
        return "exited", returned.get("error") or describe(report["code"], report["signal"])

    def _over_limit(self, struck: dict[str, float]) -> str:
        ((name, used),) = struck.items()
        limit = self._ceilings[name] or 0
        if name == "memory":
            used, limit = used / MIB, limit / MIB
            return f"Memory limit exceeded: all processes together used {used:.1f} MiB, {limit:g} MiB are allowed"
        if name == "processes":
            return f"Process limit exceeded: {used:g} processes at once, {limit:g} are allowed"
        return f"CPU limit exceeded: all processes together used {used:.2f} s, {limit:g} s are allowed"

    def _parse_result(self) -> dict[str, str]:
        """What the job sent; it may be cut off or, from a hostile one, anything."""
        try:
            message = json.loads(self._returned)
        except ValueError:
            return {}
        known = message if isinstance(message, dict) else {}
        return {name: value for name, value in known.items() if isinstance(value, str)}


def describe(code: int | None, number: int | None) -> str:
    """The end of a process in words; nothing for success."""
    if number is not None:
        hint = {
            "SIGKILL": ", perhaps for lack of memory",
            "SIGXFSZ": ": the file size limit was reached",
            "SIGXCPU": ": the CPU limit was reached",
        }.get(signal_name(number), "")
        return f"Killed by signal {number} ({signal_name(number)}){hint}"
    return f"Exited with code {code}" if code else ""
