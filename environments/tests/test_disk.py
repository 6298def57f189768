"""Trees are measured, copied and removed whatever scripts planted in them; what links point to survives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from environments.backends import disk
from environments.backends.base import DiskUse
from environments.tests.operating import files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "lib" / "deep").mkdir(parents=True)
    (top / "lib" / "file").write_bytes(b"x" * 10_000)
    (top / "lib" / "deep" / "ünïcode\n").write_text("text")
    (top / "conda-meta").mkdir()
    (top / "conda-meta" / "record.json").write_text("{}")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "gold").write_text("gold")
    (top / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (top / "lib" / "gold").symlink_to(tmp_path / "outside" / "gold")
    (top / "dangling").symlink_to("/nonexistent")
    (top / "loop").symlink_to(top, target_is_directory=True)
    os.mkfifo(top / "pipe")
    return top


def test_a_tree_is_removed_and_what_its_links_point_to_is_not(tree: Path, tmp_path: Path) -> None:
    disk.remove_tree(tree)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside"]
    assert (tmp_path / "outside" / "gold").read_text() == "gold"


def test_of_a_link_only_the_link_is_removed(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "to-tree"
    link.symlink_to(tree, target_is_directory=True)
    disk.remove_tree(link)
    assert not link.is_symlink()
    assert (tree / "lib" / "file").exists()


def test_where_nothing_is_nothing_is_removed(tmp_path: Path) -> None:
    disk.remove_tree(tmp_path / "nothing")


def test_a_tree_deeper_than_any_path_and_any_stack_is_removed(tree: Path) -> None:
    """2500 directories in each other: longer than a path may be, deeper than Python recurses."""
    here = os.open(tree, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert disk.use(tree).total > 0
    disk.remove_tree(tree)
    assert not tree.exists()


def test_directories_that_nobody_may_enter_are_removed_too(tree: Path) -> None:
    for mode in (0o000, 0o500, 0o300):
        path = tree / f"mode{mode:o}" / "inner"
        path.mkdir(parents=True)
        (path / "file").touch()
        path.chmod(mode)
        path.parent.chmod(mode)
    disk.remove_tree(tree)
    assert not tree.exists()


def test_a_copy_has_all_but_pipes_and_costs_no_space(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    disk.copy_by_links(tree, copy)
    expected = files(tree)
    del expected["pipe"]
    assert files(copy) == expected
    assert (copy / "lib" / "file").samefile(tree / "lib" / "file")


def test_records_that_are_rewritten_in_place_are_copied(tree: Path, tmp_path: Path) -> None:
    disk.copy_by_links(tree, tmp_path / "copy")
    with (tree / "conda-meta" / "record.json").open("r+") as file:
        file.write("[]")
    assert (tmp_path / "copy" / "conda-meta" / "record.json").read_text() == "{}"


def test_disk_use_counts_an_inode_once_and_says_what_is_shared(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "inner").mkdir(parents=True)
    empty = disk.use(top)
    block = tmp_path.stat().st_blksize
    (top / "own").write_bytes(b"x" * block)
    (top / "inner" / "own-again").hardlink_to(top / "own")
    (top / "shared").write_bytes(b"x" * block)
    (tmp_path / "elsewhere").hardlink_to(top / "shared")
    own, shared = ((top / name).lstat().st_blocks * 512 for name in ("own", "shared"))
    found = disk.use(top)
    assert (found.total - empty.total, found.shared) == (own + shared, shared)


def test_disk_use_follows_no_link(tree: Path, tmp_path: Path) -> None:
    before = disk.use(tree)
    (tmp_path / "outside" / "more").write_bytes(b"x" * 1_000_000)
    assert disk.use(tree) == before
    assert disk.use(tmp_path / "nothing") == DiskUse(0, 0)
