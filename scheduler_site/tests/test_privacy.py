"""What a program keeps to itself: its environment, its memory, its files, and what it takes out of the cache."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCacheClient

from scheduler_site.lib.cache import JSONSerializer

PROGRAM = """
import ctypes, os, sys
from pathlib import Path
from scheduler_site.running.privacy import keep_private
keep_private()
keep_private()
Path(sys.argv[1]).write_text("kept")
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
print(os.environ["SECRET_KEY"], libc.getenv(b"SECRET_KEY").decode(), libc.prctl(3, 0, 0, 0, 0))
print(Path("/proc/self/environ").read_bytes().decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_a_program_reads_its_secrets_and_shows_them_to_nobody(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "file")],
        env={"SECRET_KEY": "canary-secret", "PATH": os.defpath},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    own, shown = done.stdout.split("\n", 1)
    assert own == "canary-secret canary-secret 0"  # 0: not dumpable (prctl(2), PR_GET_DUMPABLE)
    assert shown.strip("\0\n") == f"PATH={os.defpath}"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


class Planted:
    """What unpickling turns into a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def test_a_pickle_planted_in_the_cache_is_nothing_and_runs_nothing(tmp_path: Path) -> None:
    planted = pickle.dumps(Planted(tmp_path / "ran"))
    client = RedisCacheClient(["redis://127.0.0.1:1"], serializer=_configured_serializer())
    assert client._serializer.loads(planted) is None  # type: ignore[attr-defined]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [0, 7, 1.5, "text", None, True, [1, "two"], {"a": [None]}])
def test_the_cache_gives_back_what_was_put_in(value: object) -> None:
    written = JSONSerializer().dumps(value)
    assert JSONSerializer().loads(written if isinstance(written, bytes) else str(written).encode()) == value


def _configured_serializer() -> str:
    """Tests run on another cache: what operation uses is read from the source of the settings."""
    source = (settings.BASE_DIR / "scheduler_site" / "settings.py").read_text(encoding="utf-8")
    assert '"serializer": "scheduler_site.lib.cache.JSONSerializer"' in source
    return "scheduler_site.lib.cache.JSONSerializer"
