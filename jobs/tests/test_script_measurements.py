"""What a script used is what the kernel accounts for all of its processes, each page once."""

from __future__ import annotations

import itertools
import sys

import pytest

from jobs.children.usage import MOST_POINTS, Series
from jobs.children.values import Call

from .processes import run_child
from .scripts import Home, run_script

MIB = 1 << 20
TOUCHED = "bytearray({0} << 20); held[::4096] = b'x' * len(held[::4096])\n"
HOLD = "held = " + TOUCHED.format(300)
BURN = "import time\nwhile time.process_time() < {0}: pass\n"


def near(size: int | None, expected: float) -> bool:
    return size is not None and abs(size - expected * MIB) < 0.1 * expected * MIB


def test_the_peak_of_a_single_process_is_what_it_held(home: Home) -> None:
    outcome, _log = run_script(home, HOLD + "import time; time.sleep(0.6)")
    assert near(outcome.peak_memory, 308)
    assert outcome.mean_memory is not None
    assert 0 < outcome.mean_memory <= (outcome.peak_memory or 0)


def test_pages_that_a_fork_shares_count_once(home: Home) -> None:
    fork = "import os, time\nfor n in range(3):\n    if os.fork() == 0: time.sleep(0.8); os._exit(0)\n"
    outcome, _log = run_script(home, HOLD + fork + "for n in range(3): os.wait()")
    assert near(outcome.peak_memory, 310)


def test_memory_of_several_processes_counts_together(home: Home) -> None:
    program = f"held = {TOUCHED.format(100)}print(flush=True); import time; time.sleep(60)"
    script = f"""
import subprocess, sys, time
start = [sys.executable, "-c", {program!r}]
every = [subprocess.Popen(start, stdout=subprocess.PIPE) for n in range(3)]
for one in every: one.stdout.readline()
time.sleep(1)
for one in every: one.kill()
"""
    outcome, _log = run_script(home, script)
    assert near(outcome.peak_memory, 325)


def test_a_run_too_short_to_be_looked_at_has_figures_too(home: Home) -> None:
    outcome, _log = run_script(home, "pass")
    assert outcome.peak_memory
    assert outcome.mean_memory
    assert outcome.cpu_seconds
    assert outcome.points


def test_processor_time_of_all_descendants_counts(home: Home) -> None:
    script = f"""
import os, subprocess, sys, time
subprocess.run([sys.executable, "-c", {BURN.format(0.3)!r}])
if os.fork() == 0:
    if os.fork() == 0:  # a grandchild, for which nobody of the script waits
        while time.process_time() < 0.3: pass
        open("done", "w")
    os._exit(0)
os.wait()
while not os.path.exists("done"): time.sleep(0.01)
"""
    outcome, _log = run_script(home, script)
    assert outcome.cpu_seconds is not None
    assert 0.6 <= outcome.cpu_seconds < 1.2


def test_points_tell_how_a_run_went_on(home: Home) -> None:
    outcome, _log = run_script(home, BURN.format(0.5) + HOLD + "time.sleep(0.5)")
    times, sizes, seconds = zip(*outcome.points, strict=True)
    assert list(times) == sorted(times)
    assert list(seconds) == sorted(seconds)
    assert min(sizes) < 100 * MIB < 300 * MIB < max(sizes)
    assert abs(seconds[-1] - (outcome.cpu_seconds or 0)) < 0.01


def test_points_are_few_however_long_a_run_takes() -> None:
    for seconds in (30, 60, 3600, 7 * 86400):
        series = Series()
        for number in range(20_000):
            series.add(seconds * number / 20_000, number, number / 10)
        times = [at for at, _size, _cpu in series.points]
        assert MOST_POINTS / 4 <= len(times) <= MOST_POINTS
        assert times[0] == 0.0
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert max(gaps) < seconds / 20


def test_no_two_points_are_so_close_that_a_tick_of_the_clock_looks_like_work() -> None:
    series = Series()
    for number in range(20):
        series.add(0.03 * number, 1, 0.01 * number)
    times = [at for at, _size, _cpu in series.ended(0.61, 1, 0.2)]
    assert times[-1] == 0.61
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.08


def test_a_class_is_measured_as_well() -> None:
    finished, _text = run_child(Call("jobs.tests.samples.Waits", [0.5]))
    assert finished.peak_memory
    assert finished.cpu_seconds is not None
    assert len(finished.points) > 2


def test_the_memory_limit_holds_for_all_processes_together(home: Home) -> None:
    program = f"held = {TOUCHED.format(60)}import time; time.sleep(30)"
    script = f"import subprocess, sys\nall = [subprocess.Popen([sys.executable, '-c', {program!r}]) for n in range(3)]\n"
    outcome, _log = run_script(home, script + "for one in all: one.wait()", options={"memory_limit": 150})
    assert outcome.state == "failed"
    assert outcome.message.startswith("Memory limit exceeded: all processes together used ")
    assert outcome.message.endswith("150 MiB are allowed")


def test_shared_pages_do_not_count_twice_toward_the_memory_limit(home: Home) -> None:
    fork = "import os, time\nif os.fork() == 0: time.sleep(0.6); os._exit(0)\nos.wait()"
    assert run_script(home, HOLD + fork, options={"memory_limit": 350})[0].state == "success"


def test_the_cpu_limit_holds_for_all_processes_together(home: Home) -> None:
    burn = "import os\nos.fork()\nwhile True: pass\n"
    outcome, _log = run_script(home, burn, options={"cpu_limit": 1})
    assert (outcome.state, outcome.exit_code) == ("failed", 143)
    assert outcome.message.startswith("CPU limit exceeded: all processes together used 1.")
    assert outcome.message.endswith("1 s are allowed")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own account is Linux's")
def test_the_peak_is_what_the_kernel_says_of_the_process(home: Home) -> None:
    show = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    outcome, log = run_script(home, HOLD + "del held\n" + show)
    assert near(outcome.peak_memory, int(log) / 1024)
