"""A module that cannot be imported, for jobs that cannot be started."""

from __future__ import annotations

from jobs.classes.base import Job

raise ImportError("This module is broken on purpose.")


class Poison(Job):  # type: ignore[unreachable]
    """Never reached."""
