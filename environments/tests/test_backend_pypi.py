"""Environments of PyPI packages, from a directory of tiny wheels: no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environments import home_directory
from environments.backends import pip_config
from environments.backends.base import Config, Failed
from environments.backends.pypi import PypiBackend
from environments.tests import wheels
from environments.tests.operating import Operator, files


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.shelf(tmp_path_factory.mktemp("pypi") / "wheels")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def operate(shelf: Path, cache: Path, tmp_path: Path) -> Operator:
    return Operator("pypi", Config(str(cache), find_links=(str(shelf),)), tmp_path / "home")


def test_an_environment_is_made_with_pip_and_what_was_asked_for(operate: Operator) -> None:
    told = operate("create", "needs-hello")
    assert {"hello": "1.1", "needs-hello": "1.0"}.items() <= told.installed.items()
    assert "pip" in told.installed
    assert any("needs-hello==1.0" in line for line in told.progress)
    assert operate.python("import hello; print(hello.VERSION)") == "1.1"
    assert operate.left() == ["description.json", "prefix"]


def test_it_is_described_for_scripts(operate: Operator) -> None:
    version = operate("create").done["python_version"]
    description = home_directory.read(operate.home)
    assert description is not None
    assert (description.backend, description.python_version) == ("pypi", version)
    assert description.python == str(operate.prefix / "bin" / "python")
    assert description.variables == {"VIRTUAL_ENV": str(operate.prefix), "PATH": str(operate.prefix / "bin")}
    assert operate.python("import platform; print(platform.python_version())") == version


def test_packages_are_installed_updated_and_removed(operate: Operator) -> None:
    operate("create", "hello==1.0")
    assert operate("install", "clash").installed["hello"] == "1.0"
    operate("remove", "clash")
    assert operate("update", "hello").installed["hello"] == "1.1"
    assert "hello" not in operate("remove", "Hello").installed
    assert operate.left() == ["description.json", "prefix"]


def test_an_update_without_names_takes_all(operate: Operator) -> None:
    operate("create", "hello==1.0")
    assert operate("update").installed["hello"] == "1.1"


@pytest.mark.parametrize(
    ("wanted", "culprits", "said"),
    [
        (["hello", "Does_Not.Exist >= 3"], ["Does_Not.Exist >= 3"], "not found"),
        (["hello==9"], ["hello==9"], "hello==9"),
        (["lonely"], ["lonely"], "nobody-has-this"),
        (["needs-hello", "clash"], ["needs-hello", "clash"], "hello"),
    ],
    ids=["unknown", "version", "dependency", "conflict"],
)
def test_what_cannot_be_installed_is_named_and_changes_nothing(
    operate: Operator, wanted: list[str], culprits: list[str], said: str
) -> None:
    operate("create", "hello==1.0")
    before = files(operate.prefix)
    failed = operate("install", *wanted).failed
    assert failed["packages"] == culprits
    assert len(failed["details"]) == len(culprits)
    assert all(said in detail for detail in failed["details"])
    assert said in failed["text"]
    assert not failed["broken"]
    assert files(operate.prefix) == before
    assert operate.left() == ["description.json", "prefix"]


def test_what_would_break_another_package_is_put_back(operate: Operator) -> None:
    operate("create", "needs-hello")
    failed = operate("install", "hello==1.0").failed
    assert failed["packages"] == ["hello==1.0"]
    assert "needs-hello" in failed["text"]
    assert operate("packages").done["packages"][0]["version"] == "1.1"
    assert operate.python("import hello; print(hello.VERSION)") == "1.1"


def test_what_others_need_is_not_removed(operate: Operator) -> None:
    operate("create", "needs-hello")
    failed = operate("remove", "hello").failed
    assert (failed["packages"], failed["details"]) == (
        ["hello"],
        ["Package 'hello' is needed by needs-hello"],
    )
    assert "hello" not in operate("remove", "hello", "needs-hello").installed


@pytest.mark.parametrize("action", ["remove", "update"])
def test_what_is_not_installed_is_neither_removed_nor_updated(operate: Operator, action: str) -> None:
    operate("create", "hello")
    failed = operate(action, "hello", "nothere").failed
    assert (failed["packages"], failed["details"]) == (["nothere"], ["Package 'nothere' is not installed"])


def test_a_version_of_python_that_is_not_here_is_not_downloaded(operate: Operator) -> None:
    failed = operate("create", python="3.99").failed
    assert "3.99" in failed["text"]
    assert operate.left() == []


def test_the_installed_versions_of_python_are_listed_newest_first(operate: Operator) -> None:
    versions = operate("python_versions").done["versions"]
    assert "3.11" in versions
    assert versions == sorted(versions, key=lambda v: [int(part) for part in v.split(".")], reverse=True)


def test_a_deleted_environment_leaves_nothing_and_takes_nothing_along(
    operate: Operator, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("gold")
    operate("create", "hello")
    (operate.prefix / "link").symlink_to(treasure, target_is_directory=True)
    (operate.prefix / "lib" / "file").symlink_to(treasure / "gold")
    (operate.prefix / "locked" / "inner").mkdir(parents=True)
    (operate.prefix / "locked" / "inner" / "file").touch()
    (operate.prefix / "locked" / "inner").chmod(0)
    operate("delete")
    assert operate.left() == []
    assert (treasure / "gold").read_text() == "gold"


def test_a_prefix_that_became_a_link_loses_only_the_link(operate: Operator, tmp_path: Path) -> None:
    operate("create")
    operate.prefix.rename(tmp_path / "elsewhere")
    operate.prefix.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert operate("delete").done == {}
    assert (tmp_path / "elsewhere" / "bin" / "python").exists()
    assert operate.left() == []


def test_disk_use_says_what_is_shared_with_the_cache(operate: Operator) -> None:
    disk = operate("create", "hello").done["disk"]
    assert 0 < disk["shared"] < disk["total"]


def test_an_index_that_does_not_answer_is_named_with_its_setting(tmp_path: Path, cache: Path) -> None:
    config = Config(str(cache), index_url="http://ada:secret@127.0.0.1:9/simple")
    operate = Operator("pypi", config, tmp_path / "home", (("UV_HTTP_RETRIES", "0"),))
    operate("create")
    told = operate("install", "hello")
    assert "127.0.0.1:9" in told.failed["text"]
    assert "PYPI_INDEX_URL" in told.failed["text"]
    assert "secret" not in str(told)


def test_it_is_available_and_says_so_when_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = PypiBackend(Config(str(tmp_path)))
    assert backend.available() == ""
    monkeypatch.setattr("uv.find_uv_bin", lambda: "/nonexistent/uv")
    assert "/nonexistent/uv cannot be started" in backend.available()


def test_an_operation_has_a_deadline(tmp_path: Path) -> None:
    backend = PypiBackend(Config(str(tmp_path), timeout=0.0))
    with pytest.raises(Failed, match="did not end within"):
        backend.create(tmp_path / "prefix", "", [], lambda _: None)


@pytest.fixture
def pip_home(tmp_path: Path) -> dict[str, str]:
    """Variables under which pip finds the files of this test alone."""
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}


def test_the_index_is_the_one_that_pip_is_configured_with(pip_home: dict[str, str]) -> None:
    Path(pip_home["HOME"], ".config", "pip", "pip.conf").write_text(
        "[global]\nindex-url = https://mirror.example.org/simple\nfind-links = /a\n  /b\n"
        "[install]\nextra_index_url = https://more.example.org/simple\n"
    )
    index = pip_config.read(pip_home)
    assert index.url == "https://mirror.example.org/simple"
    assert index.extra[-1:] == ("https://more.example.org/simple",)
    assert index.find_links == ("/a", "/b")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"PIP_INDEX_URL": "https://a.example.org"}, "https://a.example.org"),
        (
            {"PIP_INDEX_URL": "https://a.example.org", "UV_INDEX_URL": "https://b.example.org"},
            "https://b.example.org",
        ),
        ({"PIP_NO_INDEX": "1"}, ""),
        ({"PIP_CONFIG_FILE": os.devnull}, pip_config.PYPI),
    ],
    ids=["pip", "uv", "none", "default"],
)
def test_variables_count_more_than_files(
    pip_home: dict[str, str], variables: dict[str, str], url: str
) -> None:
    Path(pip_home["HOME"], ".config", "pip", "pip.conf").write_text(
        "[global]\nindex-url = https://c.example.org\n"
    )
    assert pip_config.read({**pip_home, **variables}).url == url


def test_a_broken_configuration_of_pip_is_left_alone(pip_home: dict[str, str]) -> None:
    Path(pip_home["HOME"], ".config", "pip", "pip.conf").write_bytes(b"\xff[global\nindex-url")
    assert (
        pip_config.read({**pip_home, "PIP_INDEX_URL": "https://a.example.org"}).url == "https://a.example.org"
    )
