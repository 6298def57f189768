"""A clock of Belfry's own, which the bench sets: `clock.c`, loaded into Belfry's programs and nothing else.

Timers go on as they are (the monotonic clock is not touched), as on a machine whose clock is set.
"""

from __future__ import annotations

import datetime as dt
import shutil
import struct
import subprocess
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import time_machine

from bench.faults.jobs import SHOWN
from scheduler_site.lib import clock

SOURCE = Path(__file__).with_name("clock.c")


def compiler() -> str | None:
    return shutil.which("cc")


class Clock:
    """`offset`: how many seconds it is ahead of the machine's clock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "clock"
        self.offset = 0.0

    def environment(self) -> dict[str, str]:
        """What makes a program follow this clock from now on, at every moment."""
        library = self._directory / "clock.so"
        subprocess.run([compiler() or "cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        self.step(0.0)
        return {"LD_PRELOAD": str(library), "BELFRY_CLOCK": str(self._file)}

    def now(self) -> float:
        return time.time() + self.offset

    def step(self, seconds: float, *, shown: bool = True) -> None:
        """Sets the clock forwards or back; `shown`: the traces follow it."""
        self.offset += seconds
        # The bench asks the database anew, whose clock this may be.
        clock.forget()
        # In place: the programs have this very file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("q", round(self.offset * 1e9)))
        if shown:
            draft = self._directory / "shown"
            draft.write_text(str(self.offset))
            draft.replace(self._directory / SHOWN)

    def set(self, moment: float) -> None:
        self.step(moment - self.now())

    def in_this_process(self) -> AbstractContextManager[object]:
        """The bench itself lives by this clock meanwhile."""
        if not self.offset:
            return nullcontext()
        return time_machine.travel(dt.datetime.fromtimestamp(self.now(), dt.UTC))
