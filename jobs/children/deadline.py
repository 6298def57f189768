"""The timeout of a run."""

from __future__ import annotations

import time


class Deadline:
    """A timeout that can be suspended and continued."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._still_since: float | None = None

    @property
    def stands(self) -> bool:
        return self._still_since is not None

    @property
    def left(self) -> float:
        """Seconds."""
        return self._ends_at - (time.monotonic() if self._still_since is None else self._still_since)

    @property
    def is_over(self) -> bool:
        return self.left <= 0

    def stand(self, *, still: bool) -> None:
        """Suspends the timeout from now, or continues it."""
        if still:
            self._still_since = time.monotonic()
        elif self._still_since is not None:
            self._ends_at += time.monotonic() - self._still_since
            self._still_since = None
