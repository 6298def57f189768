"""A deploy that lets long runs go on: by a handover of `manage.py up`, and by draining a worker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from scheduler_site.tests import schema
from scheduler_site.tests.processes import end_all, eventually
from tests_acceptance.test_up import Belfry

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]
LONG = "jobs.classes.shell.ShellJob"
PATIENT = {"WORKER_SHUTDOWN_SECONDS": "600", "HANDOVER_SECONDS": "2"}


class Api:
    """The native API, as the administrator of a fresh installation."""

    def __init__(self, belfry: Belfry) -> None:
        self._belfry = belfry
        login = {"username": "admin", "password": "admin123"}
        self._token = ""
        self._token = self.ask("POST", "auth/login", login)["access_token"]

    def ask(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._belfry.port}/api/v2/{path}",
            method=verb,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{verb} {path}: {error.code} {error.read().decode()}") from error

    def start(self, name: str, seconds: int, trace: Path) -> str:
        """The id of a run of a new job that writes a line when it begins and one when it ends."""
        script = f"echo begun >> {trace}; sleep {seconds}; echo ended >> {trace}"
        job = self.ask(
            "POST",
            "jobs",
            {
                "name": name,
                "kind": "python_class",
                "cron_expression": "0 0 1 1 *",
                "options": {"job_class": LONG, "args": ["/bin/sh", "-c", script]},
            },
        )["job"]
        run = self.ask("POST", f"jobs/{job['id']}/execute", {"wait": 0})["execution"]
        assert eventually(lambda: trace.exists(), 60)
        return str(run["id"])

    def run(self, uid: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"executions/{uid}")["execution"])


def lines(trace: Path) -> list[str]:
    return trace.read_text().split()


def manage(belfry: Belfry, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=belfry.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def belfry() -> Iterator[Belfry]:
    with tempfile.TemporaryDirectory(prefix="belfry-deploy-", ignore_cleanup_errors=True) as name:
        schema.InFile().put(Path(name, "belfry.sqlite3"))
        belfry = Belfry(Path(name), **PATIENT)
        try:
            belfry.wait_until_up()
            yield belfry
        finally:
            belfry.process.send_signal(signal.SIGTERM)
            time.sleep(1.5)
            belfry.process.send_signal(signal.SIGTERM)
            belfry.process.wait(60)
            end_all(name)


def test_a_run_goes_on_across_a_restart_and_ends_once(belfry: Belfry, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    uid = Api(belfry).start("long", 25, trace)
    old = belfry.pid("worker-code")
    belfry.process.send_signal(signal.SIGTERM)
    assert belfry.process.wait(30) == 0
    assert "worker-code ends by itself" in belfry.said()
    belfry.output = belfry.directory / "output-2"
    belfry.start()
    assert eventually(belfry.answers, 120), belfry.said()
    api = Api(belfry)
    assert (api.run(uid)["state"], lines(trace)) == ("running", ["begun"])
    # New runs begin in the new worker meanwhile.
    other = api.start("other", 0, tmp_path / "other")
    assert eventually(lambda: api.run(other)["state"] == "success", 60)
    assert eventually(lambda: api.run(uid)["state"] != "running", 90)
    ended = api.run(uid)
    assert (ended["state"], ended["attempt"], lines(trace)) == ("success", 1, ["begun", "ended"])
    assert api.run(other)["worker"] != ended["worker"]
    assert eventually(lambda: old not in belfry.processes(), 60)


def test_a_drained_worker_ends_after_its_run_and_another_starts_when_it_is_told_so(
    belfry: Belfry, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    api = Api(belfry)
    uid = api.start("long", 15, trace)
    worker = api.run(uid)["worker"]
    manage(belfry, "drain", worker, "--wait", "--timeout", "120", "--reason", "new version")
    ended = api.run(uid)
    assert (ended["state"], ended["attempt"], lines(trace)) == ("success", 1, ["begun", "ended"])
    assert eventually(lambda: "worker-code was drained" in belfry.said(), 60)
    time.sleep(3)
    assert belfry.pid("worker-code") is None
    health = api.ask("GET", "health")
    assert (health["status"], [c["detail"] for c in health["checks"] if c["name"] == "worker code"]) == (
        "healthy",
        ["drained"],
    )
    manage(belfry, "drain", "--cancel")
    assert eventually(lambda: belfry.pid("worker-code") is not None, 60)
    again = api.start("again", 0, tmp_path / "again")
    assert eventually(lambda: api.run(again)["state"] == "success", 60)
