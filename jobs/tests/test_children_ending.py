"""However a child ends, the end is known and nothing is left of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from jobs.children import client as client_module
from jobs.children import orphans
from jobs.children import run_monitor as watch_module
from jobs.children.client import Client
from jobs.children.values import Call, Exec, Limits

from .processes import Stopwatch, eventually, marked, marker, run_child

# A detached grandchild in a session of its own; it and its own child ignore TERM.
STUBBORN = (
    "trap '' TERM;"
    " setsid sh -c \"trap '' TERM; sh -c 'sleep 300; : {0}' & sleep 300; : {0}\" &"
    " echo up; sleep 300; : {0}"
)
# Each process starts its successor and goes: a moving target for a list of process ids.
RESTLESS = """
import os, time
print("up", flush=True)
while True:
    time.sleep(0.005)
    if os.fork():
        os._exit(0)
    os.setsid()
"""


def server_of(client: Client) -> int:
    """Its server. Never 0, by which kill(2) means the tests themselves."""
    assert client.server_pid, "the client has no server"
    return client.server_pid


def started(client: Client) -> None:
    """Gives the client a server; on a busy machine an impatient one gives its first servers up."""
    assert eventually(lambda: run_child(Exec(["true"]), client=client) and client.server_pid)


@pytest.mark.parametrize(
    ("script", "code", "number", "message"),
    [
        ("exit 0", 0, None, ""),
        ("exit 3", 3, None, "Exited with code 3"),
        ("kill -SEGV $$", None, 11, "Killed by signal 11 (SIGSEGV)"),
        ("kill -KILL $$", None, 9, "Killed by signal 9 (SIGKILL), perhaps for lack of memory"),
    ],
)
def test_an_exit_and_a_death_by_signal_are_told_apart(
    script: str, code: int | None, number: int | None, message: str
) -> None:
    finished, _text = run_child(Exec(["sh", "-c", script]))
    assert (finished.ending, finished.exit_code, finished.signal) == ("exited", code, number)
    assert finished.message == message


def test_a_program_that_does_not_exist_is_unstartable() -> None:
    finished, _text = run_child(Exec(["/no/such/program"]))
    assert finished.ending == "unstartable"
    assert "/no/such/program" in finished.message


def test_a_working_directory_that_does_not_exist_is_unstartable() -> None:
    assert run_child(Exec(["true"], cwd="/no/such/directory"))[0].ending == "unstartable"


def test_the_time_limit_ends_a_child() -> None:
    mark = marker()
    finished, _text = run_child(Exec(["sh", "-c", f"sleep 300; : {mark}"]), timeout=0.3)
    assert (finished.ending, finished.signal) == ("timeout", signal.SIGTERM)
    assert marked(mark) == []


def test_a_child_that_was_told_to_end_may_do_so_in_its_own_way() -> None:
    cancelled = threading.Event()
    log = Stopwatch("ready", cancelled.set)
    finished, _text = run_child(
        Call("jobs.tests.samples.Polite"), cancelled=cancelled, log=log, stop_grace=10
    )
    assert (finished.ending, finished.exit_code) == ("stopped", 0)


def test_a_stop_leaves_no_grandchild_though_it_detached_and_ignores_term() -> None:
    mark, cancelled = marker(), threading.Event()
    log = Stopwatch("up", cancelled.set)
    request = Exec(["sh", "-c", STUBBORN.format(mark)])
    finished, _text = run_child(request, cancelled=cancelled, log=log, stop_grace=0.3)
    assert (finished.ending, finished.signal) == ("stopped", signal.SIGKILL)
    assert marked(mark) == []


def test_processes_that_keep_replacing_themselves_are_caught() -> None:
    mark, cancelled = marker(), threading.Event()
    log = Stopwatch("up", cancelled.set)
    request = Exec([sys.executable, "-c", RESTLESS, mark])
    run_child(request, cancelled=cancelled, log=log, stop_grace=0.1)
    assert marked(mark) == []


def test_what_a_finished_child_left_in_the_background_is_ended() -> None:
    mark = marker()
    finished, _text = run_child(Exec(["sh", "-c", f"setsid sh -c 'sleep 300; : {mark}' & exit 0"]))
    assert (finished.ending, finished.exit_code) == ("exited", 0)
    assert marked(mark) == []


def test_a_stopped_process_is_ended_too() -> None:
    mark = marker()
    finished, _text = run_child(Exec(["sh", "-c", f"kill -STOP $$; : {mark}"]), timeout=0.3, stop_grace=5)
    assert finished.ending == "timeout"
    assert marked(mark) == []


def test_a_child_that_kills_its_warden_is_killed_with_all_it_started() -> None:
    mark = marker()
    script = f"setsid sh -c 'sleep 300; : {mark}' & sleep 0.2; kill -KILL $PPID; sleep 300; : {mark}"
    finished, _text = run_child(Exec(["sh", "-c", script]))
    assert finished.ending == "lost"
    assert eventually(lambda: not marked(mark))


def test_a_dead_server_ends_its_runs_and_the_next_run_starts_another() -> None:
    client, mark = Client(), marker()
    try:
        log = Stopwatch("up", lambda: os.kill(server_of(client), signal.SIGKILL))
        request = Exec(["sh", "-c", f"setsid sh -c 'sleep 300; : {mark}' & echo up; sleep 300"])
        finished, _text = run_child(request, client=client, log=log, stop_grace=0.3)
        assert finished.ending == "lost"
        assert "ended" in finished.message
        assert eventually(lambda: not marked(mark))
        first = client.server_pid
        assert run_child(Exec(["true"]), client=client)[0].exit_code == 0
        assert client.server_pid != first
    finally:
        client.close()


def test_closing_the_client_ends_what_still_runs() -> None:
    client, mark = Client(), marker()
    log = Stopwatch("up", lambda: threading.Thread(target=client.close).start())
    run_child(Exec(["sh", "-c", f"echo up; sleep 300; : {mark}"]), client=client, log=log, stop_grace=0.3)
    assert eventually(lambda: not marked(mark))
    assert eventually(lambda: client.server_pid is None)


def test_a_failing_log_ends_the_child() -> None:
    mark = marker()

    def fail() -> None:
        raise OSError("the log is full")

    with pytest.raises(OSError, match="the log is full"):
        run_child(
            Exec(["sh", "-c", f"echo up; sleep 300; : {mark}"]), log=Stopwatch("up", fail), stop_grace=0.3
        )
    assert eventually(lambda: not marked(mark))


def test_many_children_run_side_by_side() -> None:
    codes: list[int | None] = []

    def one(number: int) -> None:
        codes.append(run_child(Exec(["sh", "-c", f"exit {number}"]))[0].exit_code)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(code for code in codes if code is not None) == list(range(12))


def test_its_memory_is_measured_over_the_whole_tree() -> None:
    hold = f"{sys.executable} -c 'import time; x = bytearray(80 << 20); time.sleep(1)'"
    request = Exec(["sh", "-c", f"{hold} & {hold} & wait"])
    finished, _text = run_child(request)
    assert finished.peak_memory is not None
    assert finished.mean_memory is not None
    assert 160 << 20 < finished.peak_memory < 300 << 20
    assert 0 < finished.mean_memory <= finished.peak_memory


def test_limits_apply_to_the_child() -> None:
    limits = Limits(open_files=32, file_size=4096, address_space=512 << 20)
    _finished, text = run_child(Exec(["sh", "-c", "ulimit -n; ulimit -c; ulimit -v"]), limits=limits)
    assert text.split() == ["32", "0", str(512 << 10)]


def test_its_private_directory_is_removed_and_no_link_in_it_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    script = f"ln -s {tmp_path} link; mkdir -p deep/er; touch deep/er/file; chmod 0 deep; pwd"
    _finished, text = run_child(Exec(["sh", "-c", script]))
    assert not Path(text.strip()).exists()
    assert (tmp_path / "precious").read_text() == "keep me"


def test_a_run_that_cannot_be_started_for_our_own_reasons_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    finished, _text = run_child(Exec(["true"]))
    assert finished.ending == "unavailable"
    assert "gone" in finished.message


def test_a_warden_that_its_own_job_stopped_does_not_hold_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.children.run_monitor.OVERDUE_SECONDS", 0.5)
    mark = marker()
    finished, _text = run_child(
        Exec(["sh", "-c", f"kill -STOP $PPID; sleep 300; : {mark}"]), timeout=0.3, stop_grace=0.1
    )
    assert finished.ending == "timeout"
    assert eventually(lambda: not marked(mark))


def test_a_run_that_writes_all_the_time_is_known_to_have_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "START_SECONDS", 1.0)
    finished, _text = run_child(Exec(["sh", "-c", "for i in $(seq 100); do echo $i; sleep 0.03; done"]))
    assert finished.ending == "exited"


def test_a_detached_grandchild_whose_parent_is_gone_is_asked_before_it_is_killed() -> None:
    daemon = "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"
    cancelled = threading.Event()
    log = Stopwatch("up", cancelled.set)
    request = Exec(["sh", "-c", f'(setsid sh -c "{daemon}" &); sleep 300'])
    _finished, text = run_child(request, cancelled=cancelled, log=log, stop_grace=10)
    # The shell may say in between that its sleep was ended.
    assert (text[:3], text[-4:]) == ("up\n", "bye\n")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for very long."""
    monkeypatch.setattr(client_module, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(watch_module, "START_SECONDS", 2.0)
    monkeypatch.setattr(watch_module, "OVERDUE_SECONDS", 1.0)
    monkeypatch.setattr(orphans, "SECONDS", 1.0)


STOP_THE_SERVER = "kill -STOP $(ps -o ppid= -p $PPID)"


def test_a_job_that_stops_the_server_ends_at_its_time_limit_and_the_next_one_runs(impatient: None) -> None:
    client, mark = Client(), marker()
    try:
        request = Exec(["sh", "-c", f"{STOP_THE_SERVER}; kill -STOP $PPID; sleep 300; : {mark}"])
        assert run_child(request, client=client, timeout=0.5, stop_grace=0.2)[0].ending == "timeout"
        assert eventually(lambda: not marked(mark))
        assert run_child(Exec(["true"]), client=client)[0].exit_code == 0
    finally:
        client.close()


def test_a_run_waits_for_a_stopped_server_no_longer_than_its_start_may_take(impatient: None) -> None:
    client = Client()
    try:
        run_child(Exec(["sh", "-c", STOP_THE_SERVER]), client=client)
        assert run_child(Exec(["sh", "-c", "exit 3"]), client=client, timeout=60)[0].exit_code == 3
    finally:
        client.close()


def test_a_server_that_does_nothing_even_then_is_made_anew(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, mark = Client(), marker()
    monkeypatch.setattr(client, "_wake", lambda: None)
    try:
        script = f"{STOP_THE_SERVER}; kill -STOP $PPID; trap '' TERM; sleep 300; : {mark}"
        # Time enough to stop both on a busy machine, where jobs have the lowest priority.
        stopping = run_child(Exec(["sh", "-c", script]), client=client, timeout=6.0, stop_grace=0.2)[0]
        assert stopping.ending == "timeout"
        first = client.server_pid
        assert run_child(Exec(["true"]), client=client)[0].exit_code == 0
        assert client.server_pid != first
        assert eventually(lambda: not marked(mark))
    finally:
        client.close()


def test_a_server_whose_socket_is_full_holds_nobody_up(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    try:
        started(client)
        monkeypatch.setattr(client, "_wake", lambda: None)
        os.kill(server_of(client), signal.SIGSTOP)
        fill(client)
        assert run_child(Exec(["sh", "-c", "exit 4"]), client=client)[0].exit_code == 4
    finally:
        client.close()


def test_a_server_that_does_not_read_what_it_is_to_learn_keeps_its_runs(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    monkeypatch.setattr(client, "_wake", lambda: None)
    try:
        started(client)
        first = server_of(client)

        def teach() -> None:
            os.kill(first, signal.SIGSTOP)
            fill(client)
            client.learn(["wsgiref"] * 100)
            os.kill(first, signal.SIGCONT)

        log = Stopwatch("up", teach)
        request = Exec(["sh", "-c", "echo up; sleep 0.5; exit 5"])
        assert run_child(request, client=client, log=log)[0].exit_code == 5
        assert client.server_pid == first
    finally:
        client.close()


def test_a_client_is_closed_at_once_though_a_job_has_stopped_its_server() -> None:
    client = Client()
    run_child(Exec(["sh", "-c", STOP_THE_SERVER]), client=client)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 10


def fill(client: Client) -> None:
    """Until not one more message fits."""
    assert client._control is not None
    with contextlib.suppress(OSError):
        while True:
            client._control.send(b'{"kill": 0}')
