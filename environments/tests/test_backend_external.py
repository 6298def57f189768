"""An installed conda, mamba or micromamba; a stand-in notes how it is called."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from environments import home_directory
from environments.backends.base import Config
from environments.backends.conda.external import ExternalBackend
from environments.tests.conda_stand_in import StandIn
from environments.tests.operating import Operator


@pytest.fixture
def conda(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "tool")


@pytest.fixture
def operate(conda: StandIn, tmp_path: Path) -> Operator:
    config = Config(str(tmp_path / "cache"), conda_exe=str(conda.path))
    return Operator(
        "external", config, tmp_path / "home", (("HOME", str(tmp_path / "user")), ("SECRET_KEY", "x"))
    )


def prefix_of_conda(path: Path, **packages: str) -> Path:
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta" / "history").touch()
    for name, version in packages.items():
        record = {"name": name, "version": version, "build": "h1", "depends": []}
        (path / "conda-meta" / f"{name}-{version}-h1.json").write_text(json.dumps(record))
    return path


def test_an_environment_is_made_through_it(operate: Operator, conda: StandIn) -> None:
    told = operate("create", "numpy >= 1.2, <2", "Six=1.1", python="3.11")
    assert told.installed == {"python": "3.11.7"}
    expected = ["create", "--yes", "--json", "--prefix", str(operate.prefix), "python=3.11", "pip"]
    assert conda.calls() == [[*expected, "numpy>=1.2,<2", "six=1.1"]]
    assert told.progress[:2] == ["Running conda create", "Collecting package metadata"]
    description = home_directory.read(operate.home)
    assert description is not None
    assert description.variables["CONDA_PREFIX"] == str(operate.prefix)
    assert all("SECRET_KEY" not in environment for environment in conda.environments())


def test_packages_are_changed_through_it(operate: Operator, conda: StandIn) -> None:
    operate("create")
    prefix_of_conda(operate.prefix.parent / "more", six="1.0")
    (operate.prefix.parent / "more" / "conda-meta" / "six-1.0-h1.json").rename(
        operate.prefix / "conda-meta" / "six-1.0-h1.json"
    )
    for action, specs in (("install", ["tomli"]), ("remove", ["six"]), ("update", ["six"]), ("update", [])):
        operate(action, *specs).done  # noqa: B018
    common = ["--yes", "--json", "--prefix", str(operate.prefix)]
    assert conda.calls()[1:] == [
        ["install", *common, "tomli"],
        ["remove", *common, "six"],
        ["update", *common, "six"],
        ["update", *common, "--all"],
    ]


def test_what_others_need_is_not_removed(operate: Operator, conda: StandIn) -> None:
    operate("create")
    for name, depends in (("six", []), ("needy", ["six >=1"])):
        record = {"name": name, "version": "1.0", "build": "0", "depends": depends}
        (operate.prefix / "conda-meta" / f"{name}.json").write_text(json.dumps(record))
    assert operate("remove", "six").failed["details"] == ["Package 'six' is needed by needy"]
    assert [call[0] for call in conda.calls()] == ["create"]


MISSING = {
    "success": False,
    "exception_name": "PackagesNotFoundError",
    "message": "The following packages are not available from current channels:\n\n  - nope>=2\n",
    "packages": ["nope[version='>=2']"],
}
CONFLICT = {"success": False, "solver_problems": ["nothing provides libx needed by nope-2.0"]}


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (MISSING, "Package 'Nope' not found in available channels"),
        (CONFLICT, "nothing provides libx needed by nope-2.0"),
        (
            '{"progress": 1}\0{"progress": 2}\n' + json.dumps(MISSING),
            "Package 'Nope' not found in available channels",
        ),
    ],
    ids=["conda", "micromamba", "after progress"],
)
def test_its_errors_are_read(operate: Operator, conda: StandIn, answer: object, detail: str) -> None:
    operate("create")
    conda.answers({"install": (1, answer)})
    failed = operate("install", "six", "Nope >= 2").failed
    assert (failed["packages"], failed["details"]) == (["Nope >= 2"], [detail])
    assert not failed["broken"]
    assert operate.left() == ["description.json", "prefix"]


@pytest.mark.parametrize(
    "answer", ["", "not JSON", "[1]", "{" * 5000], ids=["empty", "text", "list", "braces"]
)
def test_an_answer_that_is_none_is_a_failure_with_its_words(
    operate: Operator, conda: StandIn, answer: str
) -> None:
    conda.answers({"create": (3, answer)})
    failed = operate("create").failed
    assert failed["text"]
    assert operate.left() == []


@pytest.mark.parametrize(
    "info",
    [
        {"root_prefix": "BASE", "envs_dirs": ["ENVS"]},
        {"base environment": "BASE", "envs directories": ["ENVS"]},
    ],
    ids=["conda", "micromamba"],
)
def test_environments_that_are_here_are_found(
    operate: Operator, conda: StandIn, tmp_path: Path, info: dict[str, object]
) -> None:
    base = prefix_of_conda(tmp_path / "base", python="3.12.1")
    listed = prefix_of_conda(tmp_path / "projects" / "listed", python="3.11.4")
    noted = prefix_of_conda(tmp_path / "elsewhere" / "noted")
    in_envs = prefix_of_conda(tmp_path / "base" / "envs" / "analysis", python="3.10.2")
    ours = prefix_of_conda(tmp_path / "homes" / "0123" / "prefix")
    (ours.parent / "description.json").touch()
    (tmp_path / "base" / "envs" / "no-environment").mkdir()
    (tmp_path / "user" / ".conda").mkdir(parents=True)
    known = [noted, ours, tmp_path / "gone", listed]
    (tmp_path / "user" / ".conda" / "environments.txt").write_text("".join(f"{path}\n" for path in known))
    text = json.dumps(info).replace("BASE", str(base)).replace("ENVS", str(base / "envs"))
    conda.answers({"info": (0, text), "env list": (0, {"envs": [str(base), str(listed)]})})
    found = [(one["name"], one["prefix"], one["python_version"]) for one in operate("discover").done["found"]]
    assert found == [
        ("analysis", str(in_envs), "3.10.2"),
        ("listed", str(listed), "3.11.4"),
        ("noted", str(noted), ""),
    ]


def test_an_environment_of_somebody_else_is_read_and_described_and_not_changed(
    operate: Operator, conda: StandIn, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    replace(operate, home=tmp_path / "theirs-home")("create")
    (tmp_path / "theirs-home" / "prefix").rename(theirs)
    told = operate("describe", prefix=str(theirs))
    assert told.installed == {"python": "3.11.7"}
    description = home_directory.read(operate.home)
    assert description is not None
    assert description.prefix == str(theirs)
    for action in ("install", "remove", "update", "delete", "create", "mend"):
        assert "Only the directory 'prefix'" in operate(action, prefix=str(theirs)).invalid
    assert theirs.is_dir()


@pytest.mark.parametrize(
    "answer",
    [
        {
            "python": [
                {"version": "3.11.4"},
                {"version": "3.12.0"},
                {"version": "3.11.2"},
                {"version": "2.7.18"},
            ]
        },
        {"result": {"pkgs": [{"version": "3.12.0"}, {"version": "3.11.4"}]}},
    ],
    ids=["conda", "micromamba"],
)
def test_its_versions_of_python(operate: Operator, conda: StandIn, answer: object) -> None:
    conda.answers({"search python": (0, answer)})
    assert operate("python_versions").done["versions"] == ["3.12", "3.11"]


def test_without_one_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    backend = ExternalBackend(Config(str(tmp_path)))
    assert "Set CONDA_EXE" in backend.available()
    assert backend.discover() == []
    missing = ExternalBackend(Config(str(tmp_path), conda_exe=str(tmp_path / "conda")))
    assert "cannot be started" in missing.available()


@pytest.mark.parametrize("name", ["conda", "mamba", "micromamba"])
def test_whichever_is_in_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tool = StandIn(tmp_path / "bin", name)
    tool.answers({"info": (0, {"root_prefix": "/x"})})
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert ExternalBackend(Config(str(tmp_path))).available() == ""
    assert tool.calls() == [["info", "--json"]]
