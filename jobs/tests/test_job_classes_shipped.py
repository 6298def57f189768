"""The job classes that ship with Belfry, run as jobs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from jobs.classes.python import dependencies

from .running import Answer, Receiver, run_class

pytest_plugins = ["jobs.tests.webhooks"]


def run(name: str, *args: Any) -> tuple[str, Any, str, str]:
    """State, result, message and log of one of our classes."""
    outcome, log = run_class(f"jobs.classes.{name}", *args)
    return outcome.state, json.loads(outcome.result or "null"), outcome.message, log


@pytest.mark.parametrize(("args", "result"), [([], ["", ""]), (["a"], ["a", ""]), (["a", "b"], ["a", "b"])])
def test_the_sample_returns_its_two_arguments(args: list[str], result: list[str]) -> None:
    assert run("sample.AwesomeJob", *args)[:2] == ("success", result)


def test_the_shell_job_runs_a_program_and_shows_its_output() -> None:
    state, result, _message, log = run("shell.ShellJob", "echo", "$HOME; echo x")
    assert (state, result) == ("success", {"command": ["echo", "$HOME; echo x"], "returncode": 0})
    assert log == "$HOME; echo x\n"


def test_a_failed_program_leaves_the_shell_jobs_result_with_its_code() -> None:
    assert run("shell.ShellJob", "sh", "-c", "exit 7")[:2] == (
        "failed",
        {"command": ["sh", "-c", "exit 7"], "returncode": 7},
    )


@pytest.mark.parametrize("args", [["/no/such/program"], []])
def test_a_program_that_cannot_be_started_fails_the_shell_job(args: list[str]) -> None:
    state, result, message, _log = run("shell.ShellJob", *args)
    assert (state, result) == ("failed", None)
    assert "/no/such/program" in message or "no program" in message


def test_the_curl_job_returns_the_text_of_the_answer(receiver: Receiver) -> None:
    receiver.answers["/x"] = Answer(
        404, "nicht da: ü".encode(), {"Content-Type": "text/plain; charset=utf-8"}
    )
    state, result, _message, log = run("curl.CurlJob", receiver.url("/x"), "get")
    assert (state, result) == ("success", "nicht da: ü")
    assert "404" in log


@pytest.mark.parametrize(("body", "sent"), [("a=b", b"a=b"), ({"a": 1}, b'{"a": 1}')])
def test_the_curl_job_sends_its_method_and_body(receiver: Receiver, body: Any, sent: bytes) -> None:
    run("curl.CurlJob", receiver.url(), "PUT", body)
    assert (receiver.received[0].method, receiver.received[0].body) == ("PUT", sent)


def test_the_curl_job_keeps_the_beginning_of_a_long_answer(receiver: Receiver) -> None:
    receiver.answers["/"] = Answer(200, b"x" * 4096, endless=True)
    _state, result, _message, _log = run("curl.CurlJob", receiver.url())
    assert len(result) == 512 * 1024


def test_a_refused_connection_fails_the_curl_job(receiver: Receiver) -> None:
    receiver.server_close()
    state, _result, message, _log = run("curl.CurlJob", receiver.url())
    assert state == "failed"
    assert "ConnectionError" in message


def test_the_python_job_runs_code_given_as_text() -> None:
    code = "import sys, json, no_such_package\nprint('never')"
    state, result, _message, log = run("python.PythonJob", "str", code)
    assert (state, result["returncode"], result["stdout"]) == ("failed", 1, "")
    assert "no_such_package" in result["stderr"]
    assert "no_such_package" in log
    assert result["dependencies"]["missing_packages"] == ["no_such_package"]
    assert result["dependencies"]["imports"] == ["json", "no_such_package", "sys"]


def test_the_python_job_runs_a_file_with_arguments(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\nprint('warn', file=sys.stderr)\nsys.exit(3)")
    state, result, _message, log = run("python.PythonJob", "file", str(script), "a", "b c")
    assert (state, result["returncode"]) == ("failed", 3)
    assert (result["stdout"], result["stderr"]) == ("['a', 'b c']\n", "warn\n")
    assert result["command"][1:] == [str(script), "a", "b c"]
    assert sorted(log.splitlines()) == ["['a', 'b c']", "warn"]


def test_the_python_job_uses_the_interpreter_it_is_told() -> None:
    _state, result, _message, _log = run(
        "python.PythonJob", "str", "print(1)", "--pythonexe", sys.executable, "x"
    )
    assert result["command"][0] == sys.executable
    assert result["command"][-1] == "x"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["exec", "1"], "mode"),
        (["str"], "source"),
        (["file", "/no/such.py"], "/no/such.py"),
        (["str", "1", "--pythonexe"], "--pythonexe"),
        (["str", "1", "--pythonexe", "/no/such/python"], "/no/such/python"),
    ],
)
def test_what_the_python_job_cannot_run_fails(args: list[str], reason: str) -> None:
    state, _result, message, _log = run("python.PythonJob", *args)
    assert state == "failed"
    assert reason in message


def test_code_that_does_not_parse_has_no_dependencies() -> None:
    assert dependencies("import (")["imports"] == []
    assert dependencies("from . import x\nfrom os.path import join")["imports"] == ["os"]


def slack(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, message: str = "hi"
) -> tuple[str, Any, str, str]:
    monkeypatch.setenv("SIMPLE_SCHEDULER_SLACK_URL", receiver.url("/services/T0/secret"))
    return run("slack.SlackJob", "#ops", "belfry", ":bell:", message)


def test_the_slack_job_posts_a_message(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.JOB_CLASS_ENV = ["SIMPLE_SCHEDULER_SLACK_URL"]
    assert slack(receiver, monkeypatch, "<!channel> a & b")[:2] == ("success", {"status": 200})
    assert json.loads(receiver.received[0].body) == {
        "channel": "#ops",
        "username": "belfry",
        "icon_emoji": ":bell:",
        "text": "&lt;!channel&gt; a &amp; b",
    }


def test_the_slack_job_fails_without_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMPLE_SCHEDULER_SLACK_URL", raising=False)
    state, _result, message, _log = run("slack.SlackJob", "#ops", "belfry", ":bell:", "hi")
    assert state == "failed"
    assert "SIMPLE_SCHEDULER_SLACK_URL" in message


@pytest.mark.parametrize("closed", [True, False])
def test_a_failing_slack_job_does_not_show_its_url(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    receiver.answers["/services/T0/secret"] = Answer(500)
    if closed:
        receiver.server_close()
    state, _result, message, log = slack(receiver, monkeypatch)
    assert state == "failed"
    assert "secret" not in message + log
