"""The process of an operation: what it says, what it refuses, and what is left when it is killed in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from environments import home_directory
from environments.backends.base import Config
from environments.tests import channel, wheels
from environments.tests.operating import Operator, files, say

REQUEST = {"action": "available", "backend": "pypi", "config": {"cache_dir": "/nonexistent"}}
HOSTILE: list[tuple[object, str]] = [
    ("", "no JSON"),
    ("{", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("[]", "no object"),
    ("null", "no object"),
    ("\x00", "no JSON"),
    ('"' + "x" * 2_000_000 + '"', "too long"),
    ({}, "no object with a config"),
    ({**REQUEST, "config": []}, "no object with a config"),
    ({**REQUEST, "config": {}}, "other fields"),
    ({**REQUEST, "config": {"cache_dir": "/x", "evil": 1}}, "other fields"),
    ({**REQUEST, "config": {"cache_dir": 1}}, "cache_dir is not of the right type"),
    ({**REQUEST, "config": {"cache_dir": "/x", "timeout": True}}, "timeout is not of the right type"),
    (
        {**REQUEST, "config": {"cache_dir": "/x", "channels": "conda-forge"}},
        "channels is not of the right type",
    ),
    ({**REQUEST, "config": {"cache_dir": "/x", "channels": [1]}}, "channels is not of the right type"),
    ({**REQUEST, "evil": 1}, "other fields"),
    ({**REQUEST, "specs": [["six"]]}, "specs is not of the right type"),
    ({**REQUEST, "action": "__class__"}, "no action '__class__'"),
    ({**REQUEST, "action": 7}, "action is not of the right type"),
    ({**REQUEST, "backend": "npm"}, "no backend 'npm'"),
    ({**REQUEST, "python": "3.12\0"}, "python has a NUL character"),
    ({**REQUEST, "action": "delete"}, "Only the directory 'prefix'"),
    ({**REQUEST, "action": "delete", "home": "/", "prefix": "/"}, "Only the directory 'prefix'"),
    ({**REQUEST, "action": "delete", "home": "/x", "prefix": "/etc"}, "Only the directory 'prefix'"),
    ({**REQUEST, "action": "delete", "home": "x", "prefix": "x/prefix"}, "Only the directory 'prefix'"),
    (
        {**REQUEST, "action": "create", "home": "/x/../y", "prefix": "/x/../y/prefix"},
        "Only the directory 'prefix'",
    ),
    ({**REQUEST, "action": "packages", "prefix": "x"}, "not absolute"),
    (
        {**REQUEST, "action": "install", "home": "/nonexistent", "prefix": "/nonexistent/prefix"},
        "no environment",
    ),
]


@pytest.mark.parametrize(("request_", "why"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_request_is_refused_and_says_why(request_: object, why: str) -> None:
    told = say(request_ if isinstance(request_, str) else json.dumps(request_))
    assert why in told.invalid
    assert "Traceback" not in told.errors


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channel.build(tmp_path_factory.mktemp("channel"))


@pytest.fixture
def server(packages: Path) -> Iterator[channel.Server]:
    with channel.served(packages) as server:
        yield server


@pytest.fixture
def conda(server: channel.Server, tmp_path: Path) -> Operator:
    config = Config(str(tmp_path / "cache"), channels=(server.address,))
    return Operator("conda", config, tmp_path / "home", (("HOME", str(tmp_path)),))


@pytest.fixture
def pypi(tmp_path: Path) -> Operator:
    config = Config(str(tmp_path / "cache"), find_links=(str(wheels.shelf(tmp_path / "wheels")),))
    return Operator("pypi", config, tmp_path / "home")


@pytest.mark.parametrize("action", ["create", "install", "remove", "update"])
@pytest.mark.parametrize("text", ["--help", "six; x", "../x", "https://example.org/x.whl", "x" * 1000])
def test_a_hostile_package_changes_nothing(pypi: Operator, action: str, text: str) -> None:
    if action != "create":
        pypi("create")
    before = files(pypi.home) if pypi.home.exists() else {}
    assert "'" in pypi(action, text).invalid
    assert (files(pypi.home) if pypi.home.exists() else {}) == before


def test_the_packages_of_an_environment_can_be_read_without_a_lock_or_a_network(pypi: Operator) -> None:
    pypi("create", "hello==1.0")
    offline = replace(pypi, config=Config("/nonexistent"))
    assert {p["name"]: p["version"] for p in offline("packages").done["packages"]}["hello"] == "1.0"
    assert offline("validate", "hello >= 1").done == {"specs": ["hello>=1"]}


def test_an_environment_is_not_made_over_another(pypi: Operator) -> None:
    pypi("create", "hello==1.0")
    assert "There is an environment" in pypi("create", "hello==1.1").invalid
    assert pypi.python("import hello; print(hello.VERSION)") == "1.0"


def test_killed_alone_it_takes_what_it_started_along(conda: Operator, tmp_path: Path) -> None:
    """Nothing goes on writing into an environment whose lock is free."""
    tool = tmp_path / "conda"
    tool.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid.draft; mv {tmp_path}/pid.draft {tmp_path}/pid\nsleep 60\n"
    )
    tool.chmod(0o755)
    external = replace(conda, backend="external", config=replace(conda.config, conda_exe=str(tool)))
    process = external.start("create")
    until(lambda: (tmp_path / "pid").exists())
    process.kill()
    process.communicate(timeout=10)
    tool_process = Path("/proc", (tmp_path / "pid").read_text().strip())
    until(lambda: not tool_process.exists() or "Z" in (tool_process / "stat").read_text().split()[2])


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def killed(process: subprocess.Popen[str], number: int) -> int:
    """Its status, once the whole group has had the signal."""
    os.killpg(process.pid, number)
    with process:
        process.communicate(timeout=10)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_creation_that_is_cut_short_is_removed(
    conda: Operator, server: channel.Server, number: int
) -> None:
    server.hanging = "greeter-1.0"
    process = conda.start("create", "hello", "greeter")
    assert server.hung.wait(20)
    assert killed(process, number) == -number
    assert conda("mend").done == {"exists": False, "undone": False}
    assert conda.left() == []
    server.hanging = ""
    assert conda("create", "hello", "greeter").installed["greeter"] == "1.0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_change_that_is_cut_short_is_undone(conda: Operator, server: channel.Server, number: int) -> None:
    conda("create", "hello==1.0")
    before = files(conda.prefix)
    server.hanging = "greeter-1.0"
    process = conda.start("install", "hello==1.1", "greeter")
    assert server.hung.wait(20)
    assert killed(process, number) == -number
    assert "before" in conda.left()
    told = conda("mend")
    assert told.done["undone"]
    assert told.installed["hello"] == "1.0"
    assert files(conda.prefix) == before
    assert conda.left() == ["description.json", "prefix"]


def test_the_next_change_undoes_first_what_was_cut_short(conda: Operator, server: channel.Server) -> None:
    conda("create", "hello==1.0")
    server.hanging = "greeter-1.0"
    process = conda.start("remove", "hello")
    process.communicate(timeout=30)
    process = conda.start("install", "greeter")
    assert server.hung.wait(20)
    killed(process, signal.SIGKILL)
    server.hanging = ""
    assert "greeter" not in conda("install", "clash").installed


def test_it_mends_whatever_instant_it_was_killed_at(pypi: Operator) -> None:
    """Whichever line it dies at, mending ends in what was or in what was wanted, and in nothing between."""
    pypi("create", "hello==1.0", "clash")
    for lines in range(6):
        process = pypi.start("update" if lines % 2 else "install", *([] if lines % 2 else ["needs-hello"]))
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with process:
            process.communicate(timeout=10)
        version = pypi("mend").installed["hello"]
        assert pypi.python("import hello; print(hello.VERSION)") == version
        assert pypi.left() == ["description.json", "prefix"]


@pytest.mark.parametrize("renamed", [True, False], ids=["prefix aside", "prefix half"])
def test_a_mending_that_is_cut_short_is_mended(pypi: Operator, renamed: bool) -> None:
    pypi("create", "hello==1.0")
    whole = files(pypi.prefix)
    (pypi.prefix).rename(pypi.home / "before")
    if not renamed:
        pypi.prefix.mkdir()
    (pypi.home / "0123.part").mkdir()
    assert pypi("mend").installed["hello"] == "1.0"
    assert files(pypi.prefix) == whole
    assert pypi.left() == ["description.json", "prefix"]


def test_an_operation_ends_itself_at_its_deadline(conda: Operator, server: channel.Server) -> None:
    server.hanging = "repodata"
    failed = replace(conda, config=replace(conda.config, timeout=1.0))("create").failed
    assert "No answer in time" in failed["text"]
    assert conda.left() == []


def test_a_deadline_in_an_installation_is_for_mend_to_undo(conda: Operator, server: channel.Server) -> None:
    conda("create", "hello==1.0")
    server.hanging = "greeter-1.0"
    failed = replace(conda, config=replace(conda.config, timeout=2.0))("install", "greeter").failed
    assert failed["broken"]
    assert conda("mend").done["undone"]
    assert conda("packages").done["packages"][0]["name"] == "hello"


def test_nobody_reads_half_a_line(pypi: Operator) -> None:
    """Whoever listens may go away: the process ends, and the environment can be mended."""
    pypi("create", "hello==1.0")
    process = pypi.start("update")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) == 1
    assert pypi("mend").installed["hello"] in ("1.0", "1.1")


def test_what_others_print_is_not_taken_for_an_answer(pypi: Operator) -> None:
    pypi("create")
    description = home_directory.read(pypi.home)
    assert description is not None
    Path(description.python).unlink()
    Path(description.python).write_text("#!/bin/sh\necho '{\"done\": {}}'\nexit 0\n")
    Path(description.python).chmod(0o755)
    assert "does not start" in pypi("describe").failed["text"]


def test_it_sees_none_of_the_services_secrets(conda: Operator) -> None:
    told = replace(conda, variables=(*conda.variables, ("SECRET_KEY", "open sesame")))("create", "greeter")
    assert told.status == 0
    assert "sesame" not in (conda.home / "description.json").read_text()


def test_validating_and_listing_need_no_library_for_conda() -> None:
    """The web does both in its own process."""
    code = (
        "import sys; from pathlib import Path; from environments.backends.base import Config;"
        "from environments.backends.registry import backend;"
        "b = backend('conda', Config('/x')); b.validate(['six']); b.packages(Path('/x'));"
        "sys.exit('rattler' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    assert subprocess.run([sys.executable, "-P", "-c", code], env=env, cwd="/").returncode == 0


def test_what_is_kept_aside_for_a_change_does_not_count_as_shared(pypi: Operator) -> None:
    pypi("create")
    before = pypi("disk_use").done
    (pypi.prefix / "own").write_bytes(b"x" * 1_000_000)
    after = pypi("install", "hello").done["disk"]
    assert after["total"] - after["shared"] >= before["total"] - before["shared"] + 1_000_000


def test_it_needs_neither_django_nor_settings() -> None:
    code = (
        "import sys, environments.operations.child, environments.backends.conda.backend, environments.backends.pypi;"
        "sys.exit(any(name == 'django' or name.startswith('django.') for name in sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    assert subprocess.run([sys.executable, "-P", "-c", code], env=env, cwd="/").returncode == 0
