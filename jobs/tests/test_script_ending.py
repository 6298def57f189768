"""A script that is to end does so with all it has started, suspended or not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobs.children.linux import state_of

from .processes import Stopwatch, eventually, marked, marker
from .scripts import Events, Home, run_script

# 300 MB, a child that ignores TERM, a grandchild in a session of its own that does so too, and a double fork.
HEAVY = """
import os, signal, sys, time
mark = sys.argv[1]
held = bytearray(300 << 20)
held[::4096] = b"x" * len(held[::4096])
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("up", flush=True)
    time.sleep(300)
time.sleep(300)
"""
# Prints as long as it goes on; so does a detached grandchild.
TICKS = """
import os, sys, time
who = "child" if os.fork() else "grandchild"
if who == "grandchild":
    os.setsid()
while True:
    print(who, flush=True)
    time.sleep(0.02)
"""
# Each process starts its successor and goes.
RESTLESS = """
import os, time
if os.fork():
    time.sleep(300)
while True:
    print("up", flush=True)
    time.sleep(0.005)
    if os.fork():
        os._exit(0)
    os.setsid()
"""


def test_a_stop_leaves_nothing_of_a_heavy_tree_that_ignores_it(home: Home) -> None:
    mark, events = marker(), Events()
    log = Stopwatch("up", events.cancelled.set)
    options = {"arguments": [mark]}
    outcome, _log = run_script(home, HEAVY, log=log, events=events, options=options, stop_grace=1.0)
    assert (outcome.state, outcome.exit_code) == ("stopped", 137)
    assert marked(mark) == []


def test_a_script_may_clean_up_when_it_is_asked_to_end(home: Home) -> None:
    events = Events()
    script = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (print('bye\\n', end=''), sys.exit(0)))\n"
    script += "print('up\\n', end='')\ntime.sleep(60)"
    log = Stopwatch("up", events.cancelled.set)
    outcome, text = run_script(home, script, log=log, events=events, stop_grace=20.0)
    assert (outcome.state, outcome.exit_code, text) == ("stopped", 0, "up\nbye\n")


def test_the_time_limit_is_told(home: Home) -> None:
    outcome, _log = run_script(home, "import time; time.sleep(60)", timeout=0.5)
    assert (outcome.state, outcome.message) == ("timeout", "Not finished within 0.5 s")


class Pause(Stopwatch):
    """A log that suspends the run at its first output."""

    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events
        self._done = False

    def __call__(self, text: str) -> None:
        super().__call__(text)
        if not self._done and ("grandchild" in self.text or "up" in self.text):
            self._events.suspended.set()

    def over(self) -> None:
        self._done = True
        self._events.suspended.clear()


def running(mark: str) -> list[int]:
    return [pid for pid in marked(mark) if state_of(pid).moves]


@pytest.mark.parametrize("script", [TICKS, RESTLESS])
def test_a_suspended_tree_stands_still_and_goes_on(home: Home, script: str) -> None:
    mark, events = marker(), Events()
    log = Pause(events)
    seen: list[object] = []

    def watch() -> None:
        seen.append(eventually(lambda: marked(mark) and not running(mark)))
        text = log.text
        seen.append(eventually(lambda: running(mark) or log.text != text, seconds=1.0))
        log.over()
        seen.append(eventually(lambda: log.text != text))
        events.cancelled.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcome, _text = run_script(home, script, log=log, events=events, options={"arguments": [mark]})
    watcher.join()
    assert seen == [True, False, True]
    assert outcome.state == "stopped"
    assert marked(mark) == []


def test_the_time_limit_stands_still_while_a_run_is_suspended(home: Home) -> None:
    events = Events()
    script = "print('up', flush=True)\nimport time\ntime.sleep(0.2)\nprint('end')"
    log = Pause(events)
    threading.Timer(4.5, log.over).start()
    outcome, text = run_script(home, script, log=log, events=events, timeout=4)
    assert (outcome.state, text) == ("success", "up\nend\n")


def test_a_suspended_run_can_be_stopped(home: Home) -> None:
    mark, events = marker(), Events()

    def stop() -> None:
        eventually(lambda: marked(mark) and not running(mark))
        events.cancelled.set()

    threading.Thread(target=stop).start()
    options = {"arguments": [mark]}
    outcome, _text = run_script(
        home, TICKS, log=Pause(events), events=events, options=options, stop_grace=20.0
    )
    assert (outcome.state, outcome.exit_code) == ("stopped", 143)  # by TERM, without waiting for the grace
    assert marked(mark) == []


def test_a_run_is_over_its_time_limit_after_it_was_suspended(home: Home) -> None:
    events = Events()
    log = Pause(events)
    threading.Timer(0.7, log.over).start()
    outcome, _text = run_script(home, TICKS, log=log, events=events, timeout=1.0)
    assert outcome.state == "timeout"


def test_its_working_directory_is_gone_afterwards_however_deep(home: Home) -> None:
    script = "import os\nprint(os.getcwd())\nfor n in range(1100):\n    os.mkdir('d'); os.chdir('d')\n"
    outcome, text = run_script(home, script)
    assert outcome.state == "success"
    assert not Path(text.strip()).exists()
