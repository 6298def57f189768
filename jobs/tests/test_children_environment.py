"""A child sees a clean environment: none of our settings, secrets or files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from jobs.children.environment import PROJECT_ROOT, clean_environment
from jobs.children.job_process import NICE
from jobs.children.values import Exec

from .processes import run_child

OURS = (
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "MAIL_PASSWORD",
    "GITHUB_TOKEN",
    "JWT_SECRET",
)

# Starts a client of its own, so that the server too is born into an environment full of canaries.
SCRIPT = """
import sys, threading
from jobs.children.client import run
from jobs.children.values import Exec
look = "env; for p in self $PPID; do tr '\\\\0' '\\\\n' < /proc/$p/environ; done; ls -l /proc/self/fd"
run(Exec(["sh", "-c", look]), timeout=20, stop_grace=1, cancelled=threading.Event(), log=sys.stdout.write)
"""


def test_no_secret_of_ours_is_in_the_environment_of_a_child_or_of_its_parent() -> None:
    canaries = {name: f"canary-{name}" for name in OURS}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **canaries, "PYTHONPATH": PROJECT_ROOT, "LC_TIME": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "LC_TIME=C" in done.stdout
    assert "PATH=" in done.stdout
    assert "canary" not in done.stdout
    assert "socket:" not in done.stdout


def test_the_environment_is_an_allow_list() -> None:
    source = {
        "PATH": "/bin",
        "HOME": "/h",
        "LC_ALL": "C",
        "TZ": "UTC",
        "LD_PRELOAD": "x",
        "PYTHONPATH": "y",
        "A": "b",
    }
    assert clean_environment(source) == {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "TZ": "UTC"}


def test_a_request_adds_to_it_and_the_path_to_this_project_is_not_in_it() -> None:
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    _finished, text = run_child(Exec([sys.executable, "-c", show], env={"BELFRY_RUN_ID": "r1"}))
    environment = json.loads(text)
    assert environment["BELFRY_RUN_ID"] == "r1"
    assert "PYTHONPATH" not in environment
    assert environment["TMPDIR"] == environment.get("PWD", environment["TMPDIR"])


def test_it_has_a_session_of_its_own_and_no_descriptor_of_ours() -> None:
    show = "import os; print(os.getsid(0) == os.getpid(), len(os.listdir('/proc/self/fd')))"
    assert run_child(Exec([sys.executable, "-c", show]))[1].strip() == "True 4"  # the fourth reads the list


def test_it_stands_back_for_the_scheduler_when_processors_are_short() -> None:
    _finished, text = run_child(Exec([sys.executable, "-c", "import os; print(os.nice(0))"]))
    assert int(text) == min(os.nice(0) + NICE, 19)
