"""When the worker is killed, nothing of its runs survives it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from jobs.children.environment import PROJECT_ROOT

from .processes import eventually, marked, marker

# A worker in miniature: two runs in threads, one of them with a detached grandchild that ignores TERM.
WORKER = """
import os, sys, threading
from jobs.children import client
from jobs.children.values import Exec
mark = sys.argv[1]
scripts = [
    f"trap '' TERM; setsid sh -c \\"trap '' TERM; sleep 300; : {mark}\\" & pwd; sleep 300; : {mark}",
    f"pwd; sleep 300; : {mark}",
]
def one(script):
    client.run(Exec(["sh", "-c", script]), timeout=200, stop_grace=0.5, cancelled=threading.Event(), log=show)
def show(text):
    # One write: the lines of two threads must not mix.
    os.write(1, f"{client._client.server_pid} {text}".encode())
for script in scripts:
    threading.Thread(target=one, args=(script,)).start()
"""


def test_a_killed_worker_takes_its_jobs_their_offspring_and_the_server_with_it() -> None:
    mark = marker()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, mark], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    lines = [worker.stdout.readline().split() for _ in range(2)]
    server = psutil.Process(int(lines[0][0]))
    supervisors = server.children()
    assert len(supervisors) == 2
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert eventually(lambda: not marked(mark))
    assert eventually(lambda: not any(process.is_running() for process in [server, *supervisors]))
    assert eventually(lambda: not any(Path(directory).exists() for _pid, directory in lines))


def test_a_worker_that_ends_in_peace_leaves_no_server() -> None:
    script = "import threading\nfrom jobs.children import client\nfrom jobs.children.values import Exec\n"
    script += "client.run(Exec(['true']), timeout=9, stop_grace=1, cancelled=threading.Event(), log=print)\n"
    script += "print(client._client.server_pid)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert eventually(lambda: not psutil.pid_exists(int(done.stdout)))


def test_a_forked_copy_of_the_worker_starts_a_server_of_its_own() -> None:
    script = (
        "import os, threading\nfrom jobs.children import client\nfrom jobs.children.values import Exec\n"
        "def go(): return client.run(Exec(['true']), timeout=9, stop_grace=1, cancelled=threading.Event(), log=print)\n"
        "go(); first = client._client.server_pid\n"
        "if os.fork() == 0:\n"
        "    assert client._client.server_pid is None\n"
        "    code = go().exit_code\n"
        "    code = code or (5 if client._client.server_pid == first else 0)\n"
        "    client._client.close(); os._exit(code)\n"
        "status = os.wait()[1]\n"
        "assert status == 0, status\n"
        "assert go().exit_code == 0 and client._client.server_pid == first\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
