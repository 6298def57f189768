"""Whatever a script prints, the log has it in order and in time, and the worker stays small."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from executions.worker.output import HEAD, TAIL, OutputWriter

from .processes import Stopwatch
from .scripts import Events, Home, run_script


def test_both_streams_come_in_the_order_they_were_written(home: Home) -> None:
    script = "import sys\nfor n in range(200):\n    print(n)\n    print(n, file=sys.stderr)\n"
    _outcome, log = run_script(home, script)
    assert log.split() == [str(n) for n in range(200) for _ in range(2)]


def test_a_line_is_shown_while_the_script_goes_on(home: Home) -> None:
    events = Events()
    script = "import time\nprint('first')\ntime.sleep(60)\nprint('second')"
    outcome, log = run_script(home, script, log=Stopwatch("first", events.cancelled.set), events=events)
    assert (outcome.state, log.strip()) == ("stopped", "first")


def test_a_progress_bar_leaves_few_states_and_its_last_one(home: Home) -> None:
    script = "for n in range(5000):\n    print(f'\\r{n + 1} of 5000', end='', flush=True)\nprint('\\nend')"
    _outcome, log = run_script(home, script)
    assert len(log) < 1000
    assert [line.rpartition("\r")[2] for line in log.split("\n")] == ["5000 of 5000", "end", ""]


def test_the_state_of_a_bar_is_shown_although_the_script_is_silent(home: Home) -> None:
    events = Events()
    script = "import time\nfor n in range(9):\n    print(f'\\r{n}%', end='')\ntime.sleep(60)"
    log = Stopwatch("8%", events.cancelled.set)
    assert run_script(home, script, log=log, events=events)[0].state == "stopped"


def test_binary_output_becomes_text(home: Home) -> None:
    _outcome, log = run_script(home, "import os; os.write(1, bytes(range(256)) + b'\\n\\xff\\n')")
    assert "\0" not in log
    assert "ABC" in log
    log.encode()
    assert log.endswith("�\n")


def test_endless_output_ends_with_the_time_limit(home: Home) -> None:
    outcome, _log = run_script(
        home, "while True: print('y' * 70)", log=OutputWriter(lambda text: None), timeout=1.0
    )
    assert outcome.state == "timeout"


def test_a_hundred_megabytes_leave_head_and_tail_and_no_memory_behind(home: Home) -> None:
    sizes: list[int] = []
    sink = OutputWriter(lambda text: sizes.append(len(text)))
    process = psutil.Process()
    run_script(home, "print('warm')", log=sink)
    before = process.memory_info().rss
    script = "line = 'x' * 99\nfor n in range(1_000_000): print(line)\nprint('the end')"
    outcome, _text = run_script(home, script, log=sink, timeout=120)
    grown = process.memory_info().rss - before
    sink.close()
    assert outcome.state == "success"
    assert HEAD <= sum(sizes) <= HEAD + TAIL + (1 << 20)
    assert grown < 40 << 20


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_ends_a_run_in_words(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(mounted.stderr.decode())
    try:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        outcome, _log = run_script(home, "#" + "x" * 100_000)
        assert outcome.state == "error"
        assert "No space left on device" in outcome.message
        outcome, log = run_script(home, "open('big', 'w').write('x' * 1_000_000)")
        assert outcome.state == "failed"
        assert "No space left on device" in log
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_output_after_the_last_line_end_is_kept_apart_from_what_belfry_adds(home: Home) -> None:
    script = "import os; os.symlink('/', os.environ['BELFRY_ARTIFACTS'] + '/x'); print('no end', end='')"
    _outcome, log = run_script(home, script)
    assert log == "no end\n[Belfry] Artifact not kept: x: a symbolic link\n"
