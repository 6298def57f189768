"""A script runs in its environment, with what it was given and nothing else."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from .processes import eventually, marked, marker
from .running import RUN_ID
from .scripts import Home, run_script

SHOW = "import json, os, sys; print(json.dumps([sys.prefix, sys.argv[1:], dict(os.environ), os.getcwd()]))"


def test_it_runs_with_the_interpreter_of_its_environment(home: Home) -> None:
    outcome, log = run_script(home, SHOW)
    prefix, arguments, variables, directory = json.loads(log)
    assert (outcome.state, outcome.exit_code, outcome.message) == ("success", 0, "")
    assert prefix == str(home.path / "prefix")
    assert arguments == []
    assert variables["ACTIVATED"] == "yes"
    assert variables["PATH"].startswith(f"{prefix}/bin:")
    assert not Path(directory).exists()


def test_it_gets_its_arguments_variables_and_secrets_as_they_were_written(home: Home) -> None:
    options = {"arguments": ["--day", "a b", "", "$HOME", "ü\n"], "variables": {"COLOUR": "red = 1 "}}
    _outcome, log = run_script(home, SHOW, options=options, secrets={"TOKEN": "s3cret"})
    _prefix, arguments, variables, _directory = json.loads(log)
    assert arguments == options["arguments"]
    assert (variables["COLOUR"], variables["TOKEN"]) == ("red = 1 ", "s3cret")


def test_it_knows_its_run_and_nothing_of_ours(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    slot = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    _outcome, log = run_script(home, SHOW, slot=slot, attempt=2)
    _prefix, _arguments, variables, _directory = json.loads(log)
    assert variables["BELFRY_RUN_ID"] == RUN_ID
    assert variables["BELFRY_SLOT"] == "2026-10-25T00:30:00+00:00"
    assert variables["BELFRY_ATTEMPT"] == "2"
    assert variables["PYTHONNOUSERSITE"] == "1"
    assert "PYTHONPATH" not in variables
    assert "canary" not in log


def test_what_it_raises_is_in_the_log_with_the_line_of_the_script(home: Home) -> None:
    outcome, log = run_script(home, "def work():\n    return 1 / 0\n\nwork()\n")
    assert (outcome.state, outcome.exit_code, outcome.message) == ("failed", 1, "Exited with code 1")
    assert 'script.py", line 2, in work\n    return 1 / 0' in log
    assert log.endswith("ZeroDivisionError: division by zero\n")


def test_its_exit_code_is_kept(home: Home) -> None:
    outcome, _log = run_script(home, "import sys; sys.exit(7)")
    assert (outcome.state, outcome.exit_code, outcome.retryable) == ("failed", 7, True)


@pytest.mark.parametrize(
    "text", ["print(1)\r\nprint(2)\r\n", "\ufeffprint(1)", "print(1)", "print('é€😀')\n", "\n\n  \n#x\n\n"]
)
def test_the_text_runs_byte_for_byte(home: Home, text: str) -> None:
    reads = "import sys, hashlib; print(hashlib.sha256(open(sys.argv[0], 'rb').read()).hexdigest())"
    script = text + ("" if text.endswith("\n") else "\n") + reads
    _outcome, log = run_script(home, script)
    assert log.splitlines()[-1] == hashlib.sha256(script.encode()).hexdigest()


def test_a_large_script_runs(home: Home) -> None:
    text = "#" + "ü" * 200_000 + "\nprint('end')"
    assert run_script(home, text)[1] == "end\n"


def test_nobody_else_may_read_it_while_it_runs(home: Home) -> None:
    text = "import os; print(oct(os.stat(__file__).st_mode), oct(os.stat('.').st_mode))"
    assert run_script(home, text)[1] == "0o100600 0o40700\n"


def test_a_file_of_an_allowed_directory_runs_where_it_lies(
    home: Home, settings: Settings, tmp_path: Path
) -> None:
    settings.SCRIPT_DIRECTORIES = [str(tmp_path)]
    (tmp_path / "helper.py").write_text("NAME = 'helper'")
    script = tmp_path / "report.py"
    script.write_text("import helper, sys; print(helper.NAME, sys.argv[1])")
    outcome, log = run_script(home, options={"path": str(script), "arguments": ["x y"]})
    assert log == "helper x y\n"
    assert outcome.target == f"{script} 'x y'"


def test_a_file_that_is_not_allowed_any_more_does_not_run(
    home: Home, settings: Settings, tmp_path: Path
) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside.py"
    allowed.mkdir()
    outside.write_text("print('ran')")
    (allowed / "link.py").symlink_to(outside)
    settings.SCRIPT_DIRECTORIES = [str(allowed)]
    outcome, log = run_script(home, options={"path": str(allowed / "link.py")})
    assert (outcome.state, outcome.retryable, log) == ("error", False, "")
    assert str(allowed) in outcome.message


def test_programs_installed_beside_belfry_are_not_in_its_path(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    _outcome, log = run_script(home, "import os; print(os.environ['PATH'])")
    assert log == f"{home.path}/prefix/bin:/usr/bin:/bin\n"


def test_it_has_a_session_of_its_own_and_no_descriptor_of_ours(home: Home) -> None:
    script = "import os; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd')))"
    assert run_script(home, script)[1] == "True ['0', '1', '2', '3']\n"  # the last one reads the list


def test_a_text_that_is_not_on_record_any_more_is_told(home: Home) -> None:
    outcome, log = run_script(home, options={"script": {"sha256": "0" * 64}})
    assert (outcome.state, outcome.retryable, log) == ("error", False, "")
    assert "not on record" in outcome.message


def test_a_run_whose_warden_was_killed_is_lost_and_leaves_nothing(home: Home) -> None:
    mark = marker()
    script = "import os, signal, sys, time\nprint(os.getcwd())\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    outcome, log = run_script(home, script, options={"arguments": [mark]})
    assert (outcome.state, outcome.message.split(",")[0]) == (
        "failed",
        "The process that supervised the job died",
    )
    assert eventually(lambda: not marked(mark))
    assert not Path(log.strip()).exists()
