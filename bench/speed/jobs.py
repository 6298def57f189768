"""Classes that the bench runs: what they cost is what their processes cost."""

from __future__ import annotations

from jobs.classes.base import Job


class Requesting(Job):
    """Imports a library when it runs, as classes do that should be listed without it."""

    def run(self) -> str:
        """The library's version."""
        import requests

        return requests.__version__
