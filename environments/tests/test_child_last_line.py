"""A child that answers and ends at once is heard, whenever its listener looks."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from environments.backends.base import Request
from environments.config import config
from environments.operations import process

ANSWERS_LATE = f"""
import sys, time
sys.stdin.readline()
time.sleep({2 * process.TICK})
print('{{"done": {{"heard": true}}}}', flush=True)
"""


class LooksWhenItHasEnded(subprocess.Popen[bytes]):
    """Whoever asks whether it has ended is so slow that it has by the time of the answer."""

    def poll(self) -> Any:
        return self.returncode if self.returncode is not None else self.wait()


def test_an_answer_between_two_looks_of_the_listener_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", ANSWERS_LATE))
    monkeypatch.setattr(subprocess, "Popen", LooksWhenItHasEnded)
    request = Request("available", "pypi", config())
    assert process.ask(request, seconds=20) == {"heard": True}
