"""Conda environments, from a channel of a few kilobytes over loopback: no installed Conda, no network."""

from __future__ import annotations

import base64
import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from environments import home_directory
from environments.backends.base import Config, Failed
from environments.backends.conda import activation
from environments.tests import channel, wheels
from environments.tests.operating import Operator, files


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channel.build(tmp_path_factory.mktemp("channel"))


@pytest.fixture
def server(packages: Path) -> Iterator[channel.Server]:
    with channel.served(packages) as server:
        yield server


@pytest.fixture
def operate(server: channel.Server, tmp_path: Path) -> Operator:
    config = Config(str(tmp_path / "cache"), channels=(server.address,))
    return Operator("conda", config, tmp_path / "home", (("HOME", str(tmp_path / "user")),))


def test_an_environment_is_made_with_python_and_pip(operate: Operator) -> None:
    told = operate("create", "needs-hello", python=channel.MINOR)
    assert told.installed == {"hello": "1.1", "needs-hello": "1.0", "pip": "26.0", "python": channel.RUNNING}
    assert {package["source"] for package in told.done["packages"]} == {"conda"}
    assert "Downloading needs-hello" in told.progress
    assert "Installing needs-hello" in told.progress
    assert operate.left() == ["description.json", "prefix"]


def test_its_interpreter_is_its_own(operate: Operator) -> None:
    operate("create", "pyhello", python=channel.MINOR)
    assert operate.python("import sys; print(sys.prefix)") == str(operate.prefix)
    shown = subprocess.run([operate.prefix / "bin" / "pyhello"], capture_output=True, text=True, check=True)
    assert shown.stdout == "hello from conda\n"


def test_the_prefix_is_written_into_files_that_ask_for_it(operate: Operator) -> None:
    operate("create", "greeter")
    shown = subprocess.run([operate.prefix / "bin" / "greet"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == str(operate.prefix)


def test_without_a_version_it_gets_the_newest_python_and_stays_at_its_minor_version(
    operate: Operator,
) -> None:
    assert operate("create").installed["python"] == f"{channel.NEXT_MINOR}.0"
    assert requested(operate.prefix)["python"] == [f"python {channel.NEXT_MINOR}.*"]


def test_pip_is_left_out_where_no_channel_has_it(tmp_path: Path) -> None:
    with channel.served(channel.build(tmp_path / "channel", pip=False)) as server:
        config = Config(str(tmp_path / "cache"), channels=(server.address,))
        operate = Operator("conda", config, tmp_path / "home", (("HOME", str(tmp_path)),))
        assert list(operate("create").installed) == ["python"]


def test_an_installed_conda_would_know_it(operate: Operator, tmp_path: Path) -> None:
    known = tmp_path / "user" / ".conda" / "environments.txt"
    operate("create")
    operate("install", "hello")
    assert (operate.prefix / "conda-meta" / "history").is_file()
    assert known.read_text() == f"{operate.prefix}\n"
    operate("delete")
    assert known.read_text() == ""


def test_it_is_described_for_scripts_as_activating_it_would(operate: Operator) -> None:
    operate("create", "greeter", python=channel.MINOR)
    description = home_directory.read(operate.home)
    assert description is not None
    assert (description.backend, description.python_version) == ("conda", channel.RUNNING)
    assert description.variables == {
        "CONDA_PREFIX": str(operate.prefix),
        "CONDA_SHLVL": "1",
        "GREETING": "good morning",
        "PATH": str(operate.prefix / "bin"),
    }


def requested(prefix: Path) -> dict[str, list[str]]:
    records = [json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json")]
    return {record["name"]: record.get("requested_specs", []) for record in records}


def test_packages_are_installed_updated_and_removed(operate: Operator) -> None:
    operate("create", "hello==1.0")
    assert operate("install", "greeter").installed["hello"] == "1.0"
    assert operate("update").installed["hello"] == "1.0"
    assert operate("update", "hello").installed["hello"] == "1.1"
    assert "hello" not in operate("remove", "Hello").installed
    assert operate.left() == ["description.json", "prefix"]


def test_what_was_asked_for_is_kept_in_condas_own_records(operate: Operator) -> None:
    operate("create", "hello=1.0")
    operate("install", "hello>=1.0,<2", "clash")
    assert requested(operate.prefix)["hello"] == ["hello >=1.0,<2"]
    assert requested(operate.prefix)["clash"] == ["clash"]


def test_what_only_a_removed_package_needed_goes_with_it(operate: Operator) -> None:
    operate("create", "needs-hello")
    assert {"hello", "needs-hello"}.isdisjoint(operate("remove", "needs-hello").installed)


@pytest.mark.parametrize(
    ("wanted", "culprits", "said"),
    [
        (["hello", "Does_Not.Exist >= 3"], ["Does_Not.Exist >= 3"], "not found in available channels"),
        (["hello==9"], ["hello==9"], "no version ==9"),
        (["lonely"], ["lonely"], "nobody-has-this >=2, for which no candidates were found"),
        (["greeter", "needs-hello"], ["needs-hello"], "hello >=1.1, for which no candidates were found"),
    ],
    ids=["unknown", "version", "dependency", "conflict with what is there"],
)
def test_what_cannot_be_installed_is_named_and_changes_nothing(
    operate: Operator, wanted: list[str], culprits: list[str], said: str
) -> None:
    operate("create", "hello==1.0")
    before = files(operate.prefix)
    failed = operate("install", *wanted).failed
    assert failed["packages"] == culprits
    assert all(said in detail for detail in failed["details"])
    assert failed["text"].startswith("Cannot solve the request because of")
    assert not failed["broken"]
    assert files(operate.prefix) == before
    assert operate.left() == ["description.json", "prefix"]


@pytest.mark.parametrize(
    ("names", "details"),
    [
        (["hello"], ["Package 'hello' is needed by needs-hello"]),
        (["nothere", "needs-hello"], ["Package 'nothere' is not installed"]),
        (["python"], ["Package 'python' is what the environment is made of"]),
    ],
)
def test_what_cannot_be_removed_is_named(operate: Operator, names: list[str], details: list[str]) -> None:
    operate("create", "needs-hello")
    before = files(operate.prefix)
    failed = operate("remove", *names).failed
    assert failed["details"] == details
    assert failed["packages"] == names[:1]
    assert files(operate.prefix) == before


def test_a_spoiled_record_is_named_and_nothing_is_changed(operate: Operator) -> None:
    operate("create", "hello")
    record = next((operate.prefix / "conda-meta").glob("hello-*.json"))
    record.write_text("{")
    before = files(operate.prefix)
    failed = operate("install", "greeter").failed
    assert record.name in failed["text"]
    assert not failed["broken"]
    assert files(operate.prefix) == before
    assert operate("packages").done["packages"][0]["name"] == "pip"


def test_of_a_package_that_is_named_twice_both_wishes_count(operate: Operator) -> None:
    assert operate("create", "hello>=1.0", "hello<1.1").installed["hello"] == "1.0"


def test_a_version_of_python_is_given_once(operate: Operator) -> None:
    assert "twice" in operate("create", f"python={channel.MINOR}", python=channel.NEXT_MINOR).invalid
    assert operate.left() == []
    assert operate("create", f"python={channel.MINOR}").installed["python"] == channel.RUNNING


def test_packages_that_exclude_each_other_are_all_named(operate: Operator) -> None:
    failed = operate("create", "needs-hello", "greeter", "clash").failed
    assert failed["packages"] == ["needs-hello", "clash"]
    assert "hello <1.1" in failed["details"][1]


def test_a_broken_archive_undoes_the_change_and_the_next_try_works(
    operate: Operator, server: channel.Server
) -> None:
    operate("create")
    before = files(operate.prefix)
    server.truncated = "greeter"
    failed = operate("install", "hello", "greeter").failed
    assert "greeter-1.0-0.tar.bz2" in failed["text"]
    assert failed["packages"] == ["greeter"]
    assert failed["broken"]
    assert operate("mend").done["undone"]
    assert files(operate.prefix) == before
    server.truncated = ""
    assert operate("install", "hello", "greeter").installed["greeter"] == "1.0"


def test_a_new_environment_that_fails_leaves_nothing(operate: Operator, server: channel.Server) -> None:
    server.truncated = "greeter"
    assert operate("create", "greeter").failed["broken"]
    assert operate("mend").done == {"exists": False, "undone": False}
    assert operate.left() == []


def test_what_pip_installed_is_listed_and_survives_a_failed_change(operate: Operator, tmp_path: Path) -> None:
    operate("create", python=channel.MINOR)
    library = operate.prefix / "lib" / f"python{channel.MINOR}" / "site-packages"
    for name in ("by-pip", "pip"):
        zipfile.ZipFile(wheels.wheel(tmp_path, name, "2.0")).extractall(library)
    found = {p["name"]: (p["version"], p["source"]) for p in operate("packages").done["packages"]}
    assert found["by-pip"] == ("2.0", "pypi")
    assert found["pip"] == ("26.0", "conda")
    operate("install", "lonely").failed  # noqa: B018
    assert operate("install", "hello").installed["by-pip"] == "2.0"
    assert operate("remove", "by-pip").failed["details"] == [
        "Package 'by-pip' came from PyPI, not from a channel"
    ]


def test_versions_of_python_are_kept_and_outlive_the_channel(
    operate: Operator, server: channel.Server
) -> None:
    assert operate("python_versions").done["versions"] == [channel.NEXT_MINOR, channel.MINOR]
    asked = len(server.asked)
    server.password = "closed"
    assert operate("python_versions").done["versions"] == [channel.NEXT_MINOR, channel.MINOR]
    assert len(server.asked) == asked


def test_it_says_whether_channels_answer_and_what_to_set(operate: Operator) -> None:
    assert operate("available").done == {"reason": ""}
    gone = replace(operate, config=replace(operate.config, channels=("http://127.0.0.1:9/c",)))
    reason = gone("available").done["reason"]
    assert "http://127.0.0.1:9/c" in reason
    assert "CONDA_CHANNELS" in reason


def test_a_channel_is_a_name_below_the_alias(operate: Operator, server: channel.Server) -> None:
    config = replace(operate.config, channels=("nothing-here",), channel_alias=server.address)
    assert f"{server.address}/nothing-here" in replace(operate, config=config)("available").done["reason"]


def test_a_channel_behind_a_password_is_read_with_the_file_of_credentials(
    operate: Operator, server: channel.Server, tmp_path: Path
) -> None:
    server.password = "open sesame"
    failed = operate("create").failed
    assert "401" in failed["text"]
    assert "CONDA_AUTH_FILE" in failed["text"]
    secrets = tmp_path / "auth.json"
    login = {"BasicHTTP": {"username": "ada", "password": "open sesame"}}
    secrets.write_text(json.dumps({"127.0.0.1": login}))
    allowed = replace(operate, config=replace(operate.config, auth_file=str(secrets)))
    secrets.chmod(0o644)
    assert "0600" in allowed("available").done["reason"]
    secrets.chmod(0o600)
    told = allowed("create", "hello")
    assert told.installed["hello"] == "1.1"
    encoded = base64.b64encode(b"ada:open sesame").decode()
    written = b"".join(path.read_bytes() for path in operate.home.rglob("*") if path.is_file())
    assert b"sesame" not in written
    assert encoded.encode() not in written


def test_credentials_in_the_address_of_a_channel_are_refused(operate: Operator) -> None:
    config = replace(operate.config, channels=("http://ada:secret@127.0.0.1:9/c",))
    told = replace(operate, config=config)("create")
    assert "CONDA_AUTH_FILE" in told.invalid
    assert "secret" not in str(told)


def test_an_activation_that_fails_is_an_error_of_the_environment(tmp_path: Path) -> None:
    scripts = tmp_path / "etc" / "conda" / "activate.d"
    scripts.mkdir(parents=True)
    (tmp_path / "conda-meta").mkdir()
    (scripts / "noisy.sh").write_text("echo PATH=/evil\nexport GOOD='a=b'\n")
    assert activation.variables(tmp_path)["GOOD"] == "a=b"
    assert "/evil" not in activation.variables(tmp_path)["PATH"]
    (scripts / "zz.sh").write_text("echo out of order >&2\nexit 3\n")
    with pytest.raises(Failed, match="out of order"):
        activation.variables(tmp_path)
