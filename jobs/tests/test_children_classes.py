"""The process that is kept for a job class: its module is imported once, and always as it is on disk."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import psutil
import pytest

from environments.os_account import Account, resolve
from jobs.children import modules as modules_of_children
from jobs.children import pool as pool_module
from jobs.children import run_monitor
from jobs.children.client import close as close_client
from jobs.children.modules import files_of_modules, stamps
from jobs.children.pool import Pool, PoolLimits
from jobs.children.values import Call, Finished

from .processes import Stopwatch, eventually, marked, marker

NUMBERS = itertools.count()
HEAD = "import os, sys\nfrom jobs.classes.base import Job\n"
SELF = "class Mine(Job):\n    def run(self, *args):\n        return [BORN, os.getpid(), *args]\n"

Write = Callable[[str], str]
Run = Callable[..., Finished]


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def modules() -> Iterator[Path]:
    """A folder in which job classes are found, by every account."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        folder = Path(name)
        folder.chmod(0o755)
        patched.setenv("PYTHONPATH", name)
        close_client()  # the next server looks there
        yield folder
    close_client()


@pytest.fixture
def write(modules: Path) -> Write:
    """Makes a module with this body; the path of its class."""

    def written(body: str) -> str:
        name = f"module_{next(NUMBERS)}"
        (modules / f"{name}.py").write_text(HEAD + dedent(body) + SELF)
        return f"{name}.Mine"

    return written


def go(
    pool: Pool,
    path: str,
    log: Stopwatch | None = None,
    *,
    most: int = 8,
    timeout: float = 20,
    account: Account | None = None,
) -> Finished:
    return pool.run(
        Call(path, ["x"]),
        pool_limits=PoolLimits(most=most, memory=256 << 20),
        log=log or Stopwatch(),
        timeout=timeout,
        account=account,
        stop_grace=0.5,
        cancelled=threading.Event(),
    )


def born(finished: Finished) -> int:
    """The process that imported the module; that of the run itself where it did so itself."""
    assert finished.ending == "exited", finished
    birth, own, argument = json.loads(finished.result or "[]")
    assert argument == "x"
    return 0 if birth == own else birth


def kept(pool: Pool, path: str) -> int:
    """Runs until one is forked from a kept process; its number."""
    found = 0

    def forked() -> bool:
        nonlocal found
        found = born(go(pool, path))
        return found != 0

    assert eventually(forked)
    return found


def test_the_module_is_imported_once_for_many_runs(pool: Pool, write: Write) -> None:
    path = write("BORN = os.getpid()\n")
    assert born(go(pool, path)) == 0
    first = kept(pool, path)
    assert {born(go(pool, path)) for _ in range(5)} == {first}


def test_each_run_is_a_process_of_its_own_with_a_directory_of_its_own(pool: Pool, write: Write) -> None:
    path = write("BORN = os.getpid()\ncount = 0\n")
    kept(pool, path)
    runs = [json.loads(go(pool, path).result or "[]")[1] for _ in range(3)]
    assert len(set(runs)) == 3
    assert not any(psutil.pid_exists(run) for run in runs)


def test_two_classes_never_share_a_process(pool: Pool, write: Write) -> None:
    assert kept(pool, write("BORN = os.getpid()\n")) != kept(pool, write("BORN = os.getpid()\n"))


def test_after_a_change_of_its_file_the_next_run_is_of_the_new_code(
    pool: Pool, write: Write, modules: Path
) -> None:
    path = write("BORN = os.getpid()\n")
    kept(pool, path)
    file = modules / f"{path.partition('.')[0]}.py"
    for text in ("one", "another"):
        file.write_text(f"{HEAD}class Mine(Job):\n    def run(self, *args):\n        return '{text}'\n")
        assert go(pool, path).result == json.dumps(text)


def test_so_it_is_when_the_files_are_of_one_second_and_one_size(pool: Pool, modules: Path) -> None:
    """Which is all that a .pyc tells of its source."""
    name = f"module_{next(NUMBERS)}"
    file = modules / f"{name}.py"
    for number in range(9):
        file.write_text(f"{HEAD}class Mine(Job):\n    def run(self, *args):\n        return {number}\n")
        os.utime(file, (1_700_000_000, 1_700_000_000 + number / 10))
        assert go(pool, f"{name}.Mine").result == str(number)
        assert go(pool, f"{name}.Mine").result == str(number)


def test_a_change_of_a_module_that_it_imports_counts_too(pool: Pool, write: Write, modules: Path) -> None:
    (modules / "helper.py").write_text("WORD = 'old'\n")
    path = write("import helper\nBORN = os.getpid()\n")
    first = kept(pool, path)
    (modules / "helper.py").write_text("WORD = 'renewed'\n")
    assert born(go(pool, path)) == 0
    assert kept(pool, path) != first


def test_what_runs_while_the_code_changes_goes_on(pool: Pool, write: Write, modules: Path) -> None:
    path = write("BORN = os.getpid()\n")
    file = modules / f"{path.partition('.')[0]}.py"
    flag = modules / "go on"
    body = (
        f"{HEAD}import time\nBORN = os.getpid()\nclass Mine(Job):\n    def run(self, *args):\n"
        f"        print('begun')\n        while not os.path.exists({str(flag)!r}): time.sleep(0.01)\n"
        "        return [BORN, os.getpid(), *args]\n"
    )
    file.write_text(body)
    flag.touch()
    first = kept(pool, path)
    flag.unlink()
    ended: list[Finished] = []
    begun = threading.Event()
    log = Stopwatch("begun", begun.set)
    thread = threading.Thread(target=lambda: ended.append(go(pool, path, log)))
    thread.start()
    assert begun.wait(20)
    file.write_text(f"{HEAD}class Mine(Job):\n    def run(self, *args):\n        return 'new'\n")
    assert go(pool, path).result == '"new"'
    flag.touch()
    thread.join(20)
    assert [born(one) for one in ended] == [first]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
            "a thread",
        ),
        ("import subprocess\nCHILD = subprocess.Popen(['sleep', '30'])\n", "a process"),
        ("import signal\nsignal.signal(signal.SIGTERM, lambda *_: None)\n", "the handlers of SIGTERM"),
        ("print('hello')\n", "writes output"),
        ("if os.fork() == 0:\n    os._exit(0)\n", "a process"),
        ("if 'class_server' in sys.argv[0]:\n    os.write(int(sys.argv[1]), b'junk')\n", "JSONDecodeError"),
    ],
)
def test_a_module_that_cannot_be_forked_from_is_imported_by_each_run_which_says_so_once(
    pool: Pool, write: Write, body: str, why: str
) -> None:
    path = write(f"{body}BORN = os.getpid()\n")
    log = Stopwatch()
    assert eventually(lambda: born(go(pool, path, log)) == 0 and why in log.text)
    for _ in range(3):
        assert born(go(pool, path, log)) == 0
    assert log.text.count("imported anew for each run") == 1


@pytest.mark.parametrize(
    ("body", "ending"),
    [
        ("raise RuntimeError('not today')\n", "unstartable"),
        ("sys.exit(3)\n", "unstartable"),
        ("os._exit(3)\n", "exited"),
        ("while True: pass\n", "timeout"),
        ("print('x' * (1 << 21))\nos._exit(0)\n", "exited"),
    ],
)
def test_a_module_that_cannot_be_imported_fails_its_own_runs_and_leaves_nothing(
    pool: Pool, write: Write, body: str, ending: str
) -> None:
    mark = marker()
    path = write(f"# {mark}\n{body}BORN = os.getpid()\n")
    good = write("BORN = os.getpid()\n")
    assert [go(pool, path, timeout=3).ending for _ in range(2)] == [ending, ending]
    assert kept(pool, good)
    pool.close()
    assert eventually(lambda: not marked(path))


def test_there_are_no_more_than_may_be_and_the_oldest_makes_room(pool: Pool, write: Write) -> None:
    one, two = write("BORN = os.getpid()\n"), write("BORN = os.getpid()\n")
    first = kept(pool, one)

    def forked() -> bool:
        return born(go(pool, two, most=1)) != 0

    assert eventually(forked)
    assert eventually(lambda: not psutil.pid_exists(first))


def test_with_none_allowed_each_run_imports_its_class(pool: Pool, write: Write) -> None:
    path = write("BORN = os.getpid()\n")
    assert [born(go(pool, path, most=0)) for _ in range(3)] == [0, 0, 0]


def test_a_library_that_a_run_imports_is_imported_for_the_next_ones(pool: Pool, write: Write) -> None:
    body = "BORN = os.getpid()\nclass Lazy(Job):\n    def run(self):\n"
    body += "        known = 'wsgiref.simple_server' in sys.modules\n"
    body += "        import wsgiref.simple_server\n        return known\n"
    path = write(body).replace(".Mine", ".Lazy")

    def known() -> bool:
        run = pool.run(
            Call(path),
            pool_limits=PoolLimits(),
            log=Stopwatch(),
            timeout=20,
            stop_grace=1,
            cancelled=threading.Event(),
        )
        return run.result == "true"

    assert eventually(known)


def test_an_installation_of_a_library_counts_as_a_change_of_what_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ModuleType("library")
    library.__file__ = str(tmp_path / "library.py")
    Path(library.__file__).write_text("")
    monkeypatch.setattr(modules_of_children, "LIBRARIES", (str(tmp_path),))
    monkeypatch.setitem(sys.modules, "library", library)
    before = stamps(files_of_modules())
    assert before == stamps(files_of_modules())
    (tmp_path / "new").write_text("VERSION = 2")
    (tmp_path / "new").rename(library.__file__)
    after = stamps(files_of_modules())
    assert [name for name in after if after[name] != before[name]] == [str(tmp_path)]


def test_a_killed_process_costs_no_run(pool: Pool, write: Write) -> None:
    path = write("BORN = os.getpid()\n")
    os.kill(kept(pool, path), 9)
    assert born(go(pool, path)) == 0
    assert kept(pool, path)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may change the account")
def test_as_another_account_the_module_is_imported_by_that_account_too(pool: Pool, write: Write) -> None:
    other = resolve("nobody")
    path = write("BORN = os.getpid()\nassert os.getuid() != 0\n")
    found = 0

    def forked() -> bool:
        nonlocal found
        found = born(go(pool, path, account=other))
        return found != 0

    assert eventually(forked)
    server = psutil.Process(found)
    assert set(server.uids()) == {other.uid}
    keeper = server.parent()
    pool.close()
    assert eventually(lambda: not server.is_running() and not (keeper and keeper.is_running()))


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may change the account")
def test_such_a_process_that_a_job_has_stopped_goes_on(
    pool: Pool, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_monitor, "START_SECONDS", 0.5)
    other, path = resolve("nobody"), write("BORN = os.getpid()\n")
    assert eventually(lambda: born(go(pool, path, account=other)) != 0)
    stopped = born(go(pool, path, account=other))
    os.kill(stopped, signal.SIGSTOP)
    assert born(go(pool, path, account=other)) == stopped


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may change the account")
def test_what_such_a_module_leaves_running_is_ended_with_it(pool: Pool, write: Write) -> None:
    mark = marker()
    away = f"if os.fork() == 0:\n    os.execv('/bin/sh', ['sh', '-c', 'setsid sleep 99 & : {mark}'])\n"
    path = write(f"{away}BORN = os.getpid()\n")
    go(pool, path, account=resolve("nobody"))
    assert eventually(lambda: go(pool, path, account=resolve("nobody")).ending == "exited")
    pool.close()
    assert eventually(lambda: not marked(path))


def test_a_run_that_kills_its_supervisor_at_once_is_not_run_again(
    pool: Pool, write: Write, modules: Path
) -> None:
    diary = modules / "diary"
    body = "BORN = os.getpid()\nclass Killer(Job):\n    def run(self, *args):\n"
    body += f"        with open({str(diary)!r}, 'a') as file: file.write('x')\n"
    body += "        os.kill(os.getppid(), 9)\n        __import__('signal').pause()\n"
    path = write(body).replace(".Mine", ".Killer")
    endings = [go(pool, path).ending for _ in range(12)]
    assert set(endings) == {"lost"}
    assert diary.read_text() == "x" * len(endings)


def test_a_class_in_constant_use_gets_another_chance(
    pool: Pool, write: Write, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(pool_module, "TRIED_AGAIN", 1.0)
    flag = modules / "flag"
    path = write(
        f"if 'class_server' in sys.argv[0] and not os.path.exists({str(flag)!r}): 1 / 0\nBORN = os.getpid()\n"
    )
    log = Stopwatch()
    assert eventually(lambda: born(go(pool, path, log)) == 0 and "ZeroDivisionError" in log.text)
    flag.touch()
    assert kept(pool, path)


def test_what_hangs_at_a_library_that_it_was_to_learn_learns_no_more(
    pool: Pool, write: Write, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_monitor, "START_SECONDS", 0.3)
    (modules / "endless.py").write_text("while True: pass\n")
    path = write("BORN = os.getpid()\n")
    learned = Finished("exited", loaded=("endless",))
    kept(pool, path)
    pool._learn(pool._kept[path, None], learned)
    assert born(go(pool, path)) == 0
    monkeypatch.undo()
    kept(pool, path)
    pool._learn(pool._kept[path, None], learned)
    assert born(go(pool, path)) != 0
