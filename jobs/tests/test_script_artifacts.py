"""Files that a script leaves in BELFRY_ARTIFACTS are kept with its run, within limits, and nothing else is."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from jobs.runners.base import File, Outcome

from .running import RUN_ID
from .scripts import Home, run_script

START = "import os\nos.chdir(os.environ['BELFRY_ARTIFACTS'])\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts" / uuid.UUID(RUN_ID).hex / "1"


def left(home: Home, script: str, **values: object) -> tuple[Outcome, str]:
    return run_script(home, START + script, **values)  # type: ignore[arg-type]


def test_files_are_kept_by_name_and_size(home: Home, folder: Path) -> None:
    script = (
        "os.makedirs('plots/a')\nopen('b.csv', 'w').write('1,2')\nopen('plots/a/ü 1.png', 'w').write('x' * 9)"
    )
    outcome, log = left(home, script)
    assert outcome.artifacts == (File("b.csv", 3), File("plots/a/ü 1.png", 9))
    assert log == ""
    assert (folder / "plots/a/ü 1.png").read_text() == "x" * 9


def test_the_folder_is_private_and_each_attempt_has_its_own(home: Home, folder: Path) -> None:
    script = "print(oct(os.stat('.').st_mode)); open('x', 'w')"
    assert left(home, script)[1] == "0o40700\n"
    outcome, _log = left(home, script, attempt=2)
    assert outcome.artifacts == (File("x", 0),)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent.parent, folder.parent, folder)] == [
        0o700
    ] * 3
    assert sorted(path.name for path in folder.parent.iterdir()) == ["1", "2"]


def test_a_run_without_files_leaves_no_folder(home: Home, folder: Path) -> None:
    outcome, log = left(home, "os.mkdir('empty')")
    assert (outcome.artifacts, log) == ((), "")
    assert not folder.parent.exists()


def test_a_run_that_failed_keeps_its_files_too(home: Home) -> None:
    outcome, _log = left(home, "open('trace.txt', 'w').write('x'); 1 / 0")
    assert (outcome.state, outcome.artifacts) == ("failed", (File("trace.txt", 1),))


def test_what_an_earlier_worker_left_of_the_same_attempt_is_gone(home: Home, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "old").write_text("x")
    outcome, _log = left(home, "open('new', 'w')")
    assert outcome.artifacts == (File("new", 0),)


def test_links_and_special_files_are_dropped_and_no_link_is_followed(
    home: Home, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("keep me")
    script = f"""
os.symlink({str(outside)!r}, 'a-folder')
os.symlink({str(outside / "precious")!r}, 'b-file')
os.mkfifo('c-pipe')
os.link({str(outside / "precious")!r}, 'd-hard')
import socket
socket.socket(socket.AF_UNIX).bind('e-socket')
open('fine', 'w')
"""
    outcome, log = left(home, script)
    assert outcome.artifacts == (File("fine", 0),)
    assert [path.name for path in folder.iterdir()] == ["fine"]
    assert (outside / "precious").read_text() == "keep me"
    assert log.splitlines() == [
        "[Belfry] Artifact not kept: a-folder: a symbolic link",
        "[Belfry] Artifact not kept: b-file: a symbolic link",
        "[Belfry] Artifact not kept: c-pipe: not a regular file",
        "[Belfry] Artifact not kept: d-hard: a hard link",
        "[Belfry] Artifact not kept: e-socket: not a regular file",
    ]


def test_a_folder_that_was_replaced_by_a_link_is_not_looked_into(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "precious").write_text("keep me")
    script = (
        f"os.chdir('/'); f = os.environ['BELFRY_ARTIFACTS']; os.rmdir(f); os.symlink({str(outside)!r}, f)"
    )
    outcome, log = left(home, script)
    assert outcome.artifacts == ()
    assert "removed or replaced" in log
    assert (outside / "precious").read_text() == "keep me"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755


def test_what_is_over_the_limits_is_removed_and_told(home: Home, folder: Path, settings: Settings) -> None:
    settings.ARTIFACTS_MAX_BYTES, settings.ARTIFACTS_MAX_FILES = 100, 3
    script = "for name, size in zip('abcdef', (60, 50, 30, 0, 5, 1)): open(name, 'w').write('x' * size)"
    outcome, log = left(home, script)
    assert outcome.artifacts == (File("a", 60), File("c", 30), File("d", 0))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c", "d"]
    assert "b: 50 bytes" in log
    assert "e: more than 3 files (ARTIFACTS_MAX_FILES)" in log


def test_a_file_of_holes_counts_with_its_size(home: Home, settings: Settings) -> None:
    settings.JOB_FILE_SIZE_MB = 0
    outcome, log = left(home, "os.truncate(os.open('huge', os.O_RDWR | os.O_CREAT), 1 << 40)")
    assert outcome.artifacts == ()
    assert "huge: 1099511627776 bytes" in log


def test_of_many_that_are_dropped_some_are_named(home: Home) -> None:
    _outcome, log = left(home, "for n in range(150): os.mkfifo(f'{n}')")
    assert len(log.splitlines()) == 21
    assert log.splitlines()[-1] == "[Belfry] Artifacts not kept: 130 more"


def test_names_that_cannot_be_shown_are_dropped(home: Home, folder: Path) -> None:
    script = """
for name in ('new\\nline', 'bell\\a', '\\u202egnp.exe', 'fine \\u3000ü'): open(name, 'w')
open(b'\\xff\\xfe', 'w')
for n in range(5): os.mkdir('d' * 120); os.chdir('d' * 120)
open('deep', 'w')
"""
    outcome, log = left(home, script)
    assert outcome.artifacts == (File("fine \u3000ü", 0),)
    assert [line for line in log.splitlines() if not line.startswith("[Belfry] Artifact not kept: ")] == []
    assert "new\\nline: its name has control characters" in log
    assert "\\udcff\\udcfe" in log
    assert "more than 500 characters" in log


def test_files_and_folders_that_forbid_it_can_be_read_afterwards(home: Home, folder: Path) -> None:
    script = "os.mkdir('d'); open('d/f', 'w').write('x'); os.chmod('d/f', 0o4000); os.chmod('d', 0)"
    outcome, _log = left(home, script)
    assert outcome.artifacts == (File("d/f", 1),)
    assert stat.S_IMODE((folder / "d/f").stat().st_mode) == 0o600


def test_a_very_deep_tree_does_no_harm(home: Home, folder: Path) -> None:
    outcome, log = left(home, "for n in range(60): os.mkdir('d' * 100); os.chdir('d' * 100)\nopen('x', 'w')")
    assert outcome.artifacts == ()
    assert "Artifact not kept" in log
    assert not folder.exists()


def test_a_place_where_no_folder_can_be_made_is_told(home: Home, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.ARTIFACTS_DIR = tmp_path / "file" / "below"
    outcome, log = left(home, "print(1)")
    assert (outcome.state, log) == ("error", "")
    assert "artifacts" in outcome.message
    assert str(tmp_path / "file") in outcome.message
