"""A job class to begin with."""

from __future__ import annotations

from typing import Any

from .base import Job


class AwesomeJob(Job):
    """Returns its two arguments."""

    notes = "This will print two strings and return them."
    arguments = (
        {"type": "string", "description": "First argument"},
        {"type": "string", "description": "Second argument"},
    )
    example_arguments = '["first argument AAA", "second argument BBB"]'

    def run(self, argument1: Any = "", argument2: Any = "") -> list[Any]:
        """Both arguments; a missing one is the empty string."""
        return [argument1, argument2]
