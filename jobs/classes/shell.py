"""Runs a program."""

from __future__ import annotations

import subprocess
from typing import Any

from .base import Job


class ShellJob(Job):
    """A program and its arguments, without a shell; its output is the run's log."""

    notes = "This will run a program with the given arguments; no shell reads them."
    arguments = ({"type": "string", "description": "Program and arguments, one per item"},)
    example_arguments = [
        '["/usr/local/my_job", "--file", "/tmp/abc", "--mode", "safe"]',
        '["ls", "-l", "/tmp"]',
    ]

    def run(self, *args: Any) -> dict[str, Any]:
        """{"command", "returncode"}; a non-zero code is an answer, a program that cannot be started an error."""
        command = [str(arg) for arg in args]
        if not command:
            raise ValueError("there is no program to run")
        return {"command": command, "returncode": subprocess.run(command, check=False).returncode}
