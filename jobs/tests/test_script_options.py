"""What a script job may say, and that it is kept as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, clean_options
from jobs.runners.script import ScriptForm

TEXT = "print(1)\n"


def refused(options: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        clean_options("script", options)
    return caught.value.message_dict


def cleaned(**options: Any) -> dict[str, Any]:
    return clean_options("script", {"script": TEXT, **options})


@pytest.mark.parametrize(
    "text",
    [
        "x",
        " \n\tprint(1)  ",
        "a\r\nb\r\n",
        "\ufeffprint(1)",
        "no end",
        "# -*- coding: utf-8 -*-\nprint('ü')",
        "😀",
    ],
)
def test_a_script_is_kept_as_it_was_written(text: str) -> None:
    assert clean_options("script", {"script": text}) == {"script": text}


@pytest.mark.parametrize("text", ["", " \n\r\t", None])
def test_a_script_is_needed(text: str | None) -> None:
    assert refused({"script": text}) == {"script": ["Enter a script or the path of one."]}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", 5, ["x"], {"sha256": "x"}])
def test_what_is_no_text_is_refused(text: Any) -> None:
    assert list(refused({"script": text})) == ["script"]


def test_a_script_that_is_too_long_is_refused_with_both_sizes(settings: Settings) -> None:
    settings.SCRIPT_MAX_BYTES = 2048
    assert clean_options("script", {"script": "ü" * 1024})
    message = refused({"script": "ü" * 1025})["script"][0]
    assert "2050" in message
    assert "2048" in message
    assert list(refused({"script": "x" * 10_000_000})) == ["script"]


def test_a_script_that_names_another_encoding_than_it_is_kept_in_is_refused() -> None:
    assert "iso-8859-1" in refused({"script": "# coding: latin-1\nprint('ü')"})["script"][0]
    assert clean_options("script", {"script": "# coding: latin-1\nprint('u')"})
    assert clean_options("script", {"script": "# coding: no-such\nprint('ü')"})


def test_paths_are_taken_below_the_allowed_directories_only(settings: Settings, tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for directory in (inside, outside):
        directory.mkdir()
        (directory / "a.py").write_text(TEXT)
    (inside / "link.py").symlink_to(outside / "a.py")
    (inside / "loop.py").symlink_to(inside / "loop.py")
    (tmp_path / "inside-not").mkdir()
    settings.SCRIPT_DIRECTORIES = [str(inside)]
    path = str(inside / "a.py")
    assert clean_options("script", {"path": path, "script": ""}) == {"path": path}
    for other in (
        outside / "a.py",
        inside / "../out/a.py",
        inside / "link.py",
        inside / "loop.py",
        inside / "absent.py",
        inside,
        "in/a.py",
        "a.py",
        "~/a.py",
        f"{inside}/a.py\0",
        f"{inside}/{'x' * 300}",
        f"{tmp_path}/inside-not/a.py",
    ):
        assert list(refused({"path": str(other)})) == ["path"], other


def test_without_allowed_directories_there_are_no_paths(settings: Settings, tmp_path: Path) -> None:
    settings.SCRIPT_DIRECTORIES = []
    (tmp_path / "a.py").write_text(TEXT)
    assert "SCRIPT_DIRECTORIES" in refused({"path": str(tmp_path / "a.py")})["path"][0]


def test_a_text_and_a_path_exclude_each_other(settings: Settings, tmp_path: Path) -> None:
    settings.SCRIPT_DIRECTORIES = [str(tmp_path)]
    (tmp_path / "a.py").write_text(TEXT)
    assert list(refused({"script": TEXT, "path": str(tmp_path / "a.py")})) == ["path"]


def test_arguments_are_a_list_or_lines() -> None:
    for given in (["--a", "b c"], "--a\nb c", "--a\r\nb c\r\n", "\n--a\n\nb c", '["--a", "b c"]'):
        assert cleaned(arguments=given)["arguments"] == ["--a", "b c"]
    assert cleaned(arguments=["", " x ", "a\nb"])["arguments"] == ["", " x ", "a\nb"]
    assert cleaned(arguments="[draft] x")["arguments"] == ["[draft] x"]
    assert "arguments" not in cleaned(arguments=[])


@pytest.mark.parametrize(
    "arguments", [[1], [None], {"a": "b"}, 5, ["a\0"], ["\udc00"], ["x"] * 1001, ["x" * 70_000], '[1, "a"]']
)
def test_other_arguments_are_refused(arguments: Any) -> None:
    assert list(refused({"script": TEXT, "arguments": arguments})) == ["arguments"]


def test_variables_are_an_object_or_lines() -> None:
    for given in (
        {"A": "1=2", "b_2": " x"},
        "A=1=2\nb_2= x",
        "\r\nA=1=2\r\nb_2= x\r\n",
        '{"A": "1=2", "b_2": " x"}',
    ):
        assert cleaned(variables=given)["variables"] == {"A": "1=2", "b_2": " x"}
    assert cleaned(variables="EMPTY=")["variables"] == {"EMPTY": ""}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1A",
        "A-B",
        "A B",
        "Ä",
        "A\n",
        "A\0",
        "BELFRY_RUN_ID",
        "LD_PRELOAD",
        "DYLD_X",
        "PYTHONPATH",
        "PYTHONHOME",
    ],
)
def test_names_of_variables_follow_a_strict_grammar(name: str) -> None:
    assert list(refused({"script": TEXT, "variables": {name: "x"}})) == ["variables"]


@pytest.mark.parametrize(
    "variables",
    ["no sign", "A=1\nA=2", "{broken", ["A=1"], {"A": 1}, {"A": None}, {"A": "\0"}, {"A": "x" * 70_000}, 7],
)
def test_other_variables_are_refused(variables: Any) -> None:
    assert list(refused({"script": TEXT, "variables": variables})) == ["variables"]


def test_harmless_python_variables_may_be_set() -> None:
    assert cleaned(variables={"PYTHONWARNINGS": "error", "PYTHONUTF8": "1", "PATH": "/opt/bin"})


def test_requirements_are_names_and_versions() -> None:
    text = "# what it needs\npandas>=2.1,<3\r\n\nsix\nTomli == 2.0.1  # exact\n"
    assert cleaned(requirements=text)["requirements"] == text
    assert "requirements" not in cleaned(requirements=" \n")


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url=https://example.com",
        "name @ https://example.com/x.whl",
        "https://example.com/x.whl",
        "./here",
        "a[extra]",
        "a; python_version > '3'",
        "a b",
        "a>=x y",
        "git+https://example.com/x",
    ],
)
def test_other_lines_are_refused_and_named(line: str) -> None:
    assert line in refused({"script": TEXT, "requirements": f"six\n{line}\n"})["requirements"][0]


def test_limits_are_positive_numbers() -> None:
    assert cleaned(memory_limit="512", cpu_limit=60) == {"script": TEXT, "memory_limit": 512, "cpu_limit": 60}
    for value in (0, -1, "x", 1.5, 10**12):
        assert list(refused({"script": TEXT, "memory_limit": value})) == ["memory_limit"]
        assert list(refused({"script": TEXT, "cpu_limit": value})) == ["cpu_limit"]


def test_an_unknown_option_is_refused() -> None:
    assert list(refused({"script": TEXT, "environment": "x"})) == ["environment"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arguments", ["a", "b c"]),
        ("arguments", ["a\nb", ""]),
        ("arguments", ["[x]"]),
        ("arguments", ['["a"]']),
        ("variables", {"A": "1", "B": " =x "}),
        ("variables", {"A": "1\n2"}),
        ("script", "a\r\nb"),
        ("requirements", "six\n\n"),
    ],
)
def test_what_a_page_shows_of_it_means_the_same_when_it_is_sent_back(name: str, value: Any) -> None:
    shown = ScriptForm(initial={name: value})[name].value()
    assert isinstance(shown, str)
    assert clean_options("script", {"script": TEXT, name: shown})[name] == value


def test_its_target_is_the_command() -> None:
    runner = RUNNERS["script"]
    assert runner.needs_code_right
    assert (
        runner.target({"script": {"sha256": "x"}, "arguments": ["--day", "a b"]}, {})
        == "script.py --day 'a b'"
    )
