"""What a called class returns or raises comes back as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.children.job_process import to_json
from jobs.children.modules import learn
from jobs.children.values import Call, Limits

from .processes import run_child

SAMPLES = "jobs.tests.samples"


def test_the_return_value_comes_back_as_json() -> None:
    args = ["text", 1, 2.5, None, True, {"a": [1]}, "ü€", "\0"]
    finished, _text = run_child(Call(f"{SAMPLES}.Echo", args))
    assert finished.exit_code == 0
    assert json.loads(finished.result or "") == args


def test_a_result_near_the_limit_is_whole() -> None:
    finished, _text = run_child(Call(f"{SAMPLES}.Echo", ["ü" * 170_000]))
    assert json.loads(finished.result or "") == ["ü" * 170_000]


def test_a_result_beyond_the_limit_is_left_out_and_the_log_says_so() -> None:
    finished, text = run_child(Call(f"{SAMPLES}.Odd", ["huge"]))
    assert (finished.exit_code, finished.result) == (0, None)
    assert "not kept" in text


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("nan", [None, {"x": None}]),
        ("object", "/somewhere"),
        ("keys", {"(1, 2)": "pair"}),
        ("circle", "[[...]]"),
    ],
)
def test_what_json_does_not_know_is_kept_as_well_as_it_can_be(what: str, expected: Any) -> None:
    finished, _text = run_child(Call(f"{SAMPLES}.Odd", [what]))
    assert json.loads(finished.result or "") == expected


def test_json_never_contains_nan() -> None:
    assert to_json([float("nan"), -float("inf"), 1.0]) == "[null, null, 1.0]"


def test_an_exception_is_told_by_type_and_text_with_its_traceback_in_the_log() -> None:
    finished, text = run_child(Call(f"{SAMPLES}.Raises"))
    assert (finished.ending, finished.exit_code) == ("exited", 1)
    assert finished.error == finished.message == "TypeError: a text is not a number"
    assert text.startswith("about to fail\nTraceback (most recent call last):")
    assert "samples.py" in text


def test_an_exit_code_of_the_class_is_the_exit_code_of_the_child() -> None:
    finished, text = run_child(Call(f"{SAMPLES}.Raises", ["exit"]))
    assert (finished.exit_code, finished.message) == (4, "Exited with code 4")
    assert "Traceback" not in text


def test_a_class_that_needs_more_memory_than_it_may_have_says_so() -> None:
    finished, _text = run_child(Call(f"{SAMPLES}.Raises", ["memory"]), limits=Limits(address_space=1 << 30))
    assert finished.exit_code == 1
    assert finished.message.startswith("MemoryError")


def test_wrong_arguments_are_the_classs_error() -> None:
    finished, _text = run_child(Call(f"{SAMPLES}.Raises", [1, 2, 3]))
    assert finished.message.startswith("TypeError: ")


@pytest.mark.parametrize(
    "path", [f"{SAMPLES}.NoJob", f"{SAMPLES}.Missing", "no.such.module.X", "jobs.classes.base.Job"]
)
def test_a_class_that_cannot_be_loaded_is_unstartable(path: str) -> None:
    finished, _text = run_child(Call(path))
    assert finished.ending == "unstartable"
    assert path.rpartition(".")[2] in finished.message or "no" in finished.message


def test_a_library_that_is_learned_and_wants_to_end_the_process_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    learn(["leaving"])
