"""What a program keeps to itself: its environment, its memory, its files, and what it takes out of the cache."""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import redis
from django.conf import settings
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache

from scheduler_site.lib.cache import JSONSerializer
from scheduler_site.running import embedded_redis

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


def test_a_pickle_planted_in_the_cache_is_nothing_and_runs_nothing(tmp_path: Path, broker: Path) -> None:
    cache = _configured_cache(broker)
    cache.set("name", ["kept"])
    with redis.Redis(unix_socket_path=str(broker)) as server:
        (key,) = cast("list[bytes]", server.keys("*"))
        server.set(key, pickle.dumps(Planted(tmp_path / "ran")))
    assert cache.get("name") is None
    assert cache.get_many(["name"]) == {"name": None}
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Planted(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.fixture
def broker() -> Iterator[Path]:
    """The socket of a real server, the one that `manage.py up` starts."""
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        path = Path(folder, "redis.sock")
        process = subprocess.Popen(embedded_redis.command(Path(folder), path), stdout=subprocess.DEVNULL)
        try:
            assert embedded_redis.wait(path, 20)
            yield path
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("value", [0, 7, 1.5, "text", None, True, [1, "two"], {"a": [None]}])
def test_the_cache_gives_back_what_was_put_in(value: object) -> None:
    written = JSONSerializer().dumps(value)
    assert JSONSerializer().loads(written if isinstance(written, bytes) else str(written).encode()) == value


def _configured_cache(server: Path) -> BaseCache:
    """Tests run on another cache: what operation uses is read from the settings of a process of its own."""
    program = "from django.conf import settings; import json; print(json.dumps(settings.CACHES['default']['OPTIONS']))"
    variables = {"DJANGO_SETTINGS_MODULE": "scheduler_site.settings", "DATA_DIR": str(server.parent)}
    options = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        cwd=settings.BASE_DIR,
        check=True,
        stdout=subprocess.PIPE,
    )
    return RedisCache(f"unix://{server}", {"OPTIONS": json.loads(options.stdout)})
