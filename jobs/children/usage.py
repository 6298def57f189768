"""The memory and CPU time of a process tree, and their values over the time of the run for the chart."""

from __future__ import annotations

import time
from typing import Any

from .linux import proportional_memory, resident_memory, state_of

MOST_POINTS = 200
EVERY = 0.25  # seconds between two looks
OFTEN = 0.1  # seconds, where memory is limited
SELDOM = 0.5  # seconds, where there is much to look at
LOOK_SHARE = 0.05  # of the time, at most, as far as SELDOM allows
FIRST = 0.005  # seconds until the first one where something is limited; from there the pauses grow
SOON = 0.05  # seconds until it otherwise: the kernel tells what a shorter run has used
APART = 0.1  # seconds at least between two points: the kernel counts a living process's time in hundredths
# Of its pauses, the share that reading shared memory may take: the kernel walks all page tables of a process for it.
EXACT_SHARE = 0.02
STEADY = 0.02  # by this part, what is read twice may differ


class Series:
    """[seconds since the start, bytes of memory, CPU seconds so far]: when there are too many, every other one goes."""

    def __init__(self) -> None:
        self.points: list[tuple[float, int, float]] = []
        self._apart = APART

    def add(self, at: float, size: int, cpu: float) -> None:
        if self.points and at - self.points[-1][0] < self._apart:
            return
        self.points.append((round(at, 3), size, round(cpu, 3)))
        if len(self.points) >= MOST_POINTS:
            del self.points[1::2]
            self._apart = 2 * at / MOST_POINTS

    def ended(self, at: float, size: int, cpu: float) -> list[tuple[float, int, float]]:
        """All points and the last one, in the place of one shortly before it."""
        before = self.points[:-1] if len(self.points) > 1 and at - self.points[-1][0] < APART else self.points
        return [*before, (round(at, 3), size, round(cpu, 3))]


class Usage:
    """Of one job and everything it starts, seen from its supervisor."""

    def __init__(self, began: float, *, every: float = EVERY, first: float = FIRST) -> None:
        self.peak = 0
        self.memory = 0  # bytes now, as far as known
        self.cpu = 0.0  # seconds so far
        self.next_look = began + first
        self._began, self._every = began, every
        self._series = Series()
        self._area = 0.0
        self._first = self._last = 0.0
        self._exact_at = 0.0
        self._reaped = 0.0

    def look(self, tree: list[int], now: float) -> None:
        """Reads what the processes (parents before their children) use at this moment."""
        # A parent that is read before its child cannot have the child's time in its own as well.
        living = sum(state_of(pid).cpu for pid in tree)
        self.cpu = max(self.cpu, self._reaped + living)
        if size := self._occupied(tree):
            self._remember(size, now)
        if self.memory:
            self._series.add(now - self._began, self.memory, self.cpu)
        pause = min(self._every, max(FIRST, now - self._began))
        # Hundreds of processes are looked at less often.
        self.next_look = now + max(pause, min((time.monotonic() - now) / LOOK_SHARE, SELDOM))

    def reaped(self, usage: Any) -> None:
        """wait4(2) of a child of the supervisor: with it come all that it has waited for itself."""
        self._reaped += usage.ru_utime + usage.ru_stime
        self.cpu = max(self.cpu, self._reaped)

    def ending(self, now: float) -> dict[str, Any]:
        """What is reported at the end."""
        elapsed = self._last - self._first
        mean = int(self._area / elapsed) if elapsed > 0 else self.memory
        return {
            "peak": self.peak or None,
            # A run that was over before the first look: what the kernel says of it.
            "mean": mean or self.peak or None,
            "cpu": round(self.cpu, 6),
            "points": self._series.ended(now - self._began, self.memory or self.peak, self.cpu),
        }

    def _occupied(self, tree: list[int]) -> int:
        """Bytes of RAM; 0 where that is not known now. Several processes share pages, which count once."""
        sizes = {pid: size for pid in tree if (size := resident_memory(pid))}
        if len(sizes) <= 1:
            return sum(sizes.values())
        total, largest = 0, max(sizes.values())
        if (now := time.monotonic()) >= self._exact_at:
            began = time.process_time()
            total = _together(sizes)
            self._exact_at = now + (time.process_time() - began) / EXACT_SHARE
        # As much as the largest has they have for certain.
        return total or (largest if largest > self.memory else 0)

    def _remember(self, size: int, now: float) -> None:
        self._first = self._first or now
        self._area += self.memory * (now - (self._last or now))
        self.memory, self._last = size, now
        self.peak = max(self.peak, size)


def _together(sizes: dict[int, int]) -> int:
    """The shares of all processes; 0 when one came or went meanwhile, for then they do not add up."""
    pids = sorted(sizes, key=sizes.__getitem__, reverse=True)
    shares = [proportional_memory(pid) or sizes[pid] for pid in pids]
    changed = abs((proportional_memory(pids[0]) or sizes[pids[0]]) - shares[0])
    return sum(shares) if changed <= STEADY * shares[0] else 0
