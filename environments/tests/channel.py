"""A Conda channel of a few kilobytes, made by the standard library and rattler's indexer, and served over loopback.

hello 1.0, 1.1     needs-hello (hello >=1.1)     clash (hello <1.1)     lonely (nobody-has-this)
greeter            has the prefix written into a script, and sets GREETING when its environment is activated
pyhello            a noarch Python package with an entry point
pip                as thin
python             the running version, a link to the interpreter that runs this; and the next minor version, likewise
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import io
import json
import sys
import tarfile
import threading
from collections.abc import Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rattler.index import index_fs
from rattler.platform import Subdir

PLACEHOLDER = "/opt/placeholder_placeholder_placeholder_placeholder"
RUNNING = ".".join(map(str, sys.version_info[:3]))
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEXT_MINOR = f"{sys.version_info[0]}.{sys.version_info[1] + 1}"
_INTERPRETER = Path(sys.executable).resolve()

Files = dict[str, str | Path]  # a text, or where a link points to


def package(
    directory: Path,
    name: str,
    version: str,
    depends: Sequence[str] = (),
    files: Files | None = None,
    *,
    entry_points: Sequence[str] | None = None,
) -> Path:
    """An archive in its subdirectory of the channel; with entry points (be it none) a noarch Python package."""
    noarch = entry_points is not None
    subdir = "noarch" if noarch else str(Subdir.current())
    files = files or {f"share/{name}.txt": f"{name} {version}\n"}
    index: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "subdir": subdir,
        **({"noarch": "python"} if noarch else {}),
    }
    info: dict[str, str] = {
        "info/index.json": json.dumps(index),
        "info/files": "".join(f"{file}\n" for file in files),
        "info/paths.json": json.dumps(
            {"paths_version": 1, "paths": [_path(*item) for item in files.items()]}
        ),
    }
    if noarch:
        link = {
            "noarch": {"type": "python", "entry_points": list(entry_points or ())},
            "package_metadata_version": 1,
        }
        info["info/link.json"] = json.dumps(link)
    path = directory / subdir / f"{name}-{version}-0.tar.bz2"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:bz2") as archive:
        for file, content in {**files, **info}.items():
            _add(archive, file, content)
    return path


def _path(file: str, content: str | Path) -> dict[str, Any]:
    if isinstance(content, Path):
        return {"_path": file, "path_type": "softlink"}
    placed = {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if PLACEHOLDER in content else {}
    return {"_path": file, "path_type": "hardlink", **placed}


def _add(archive: tarfile.TarFile, file: str, content: str | Path) -> None:
    member = tarfile.TarInfo(file)
    if isinstance(content, Path):
        member.type, member.linkname = tarfile.SYMTYPE, str(content)
        archive.addfile(member)
        return
    data = content.encode()
    member.size, member.mode = len(data), 0o755 if file.startswith("bin/") else 0o644
    archive.addfile(member, io.BytesIO(data))


def _python(version: str) -> Files:
    minor = version.rpartition(".")[0]
    return {
        "bin/python": Path(f"python{minor}"),
        f"bin/python{minor}": _INTERPRETER,
        "pyvenv.cfg": f"home = {_INTERPRETER.parent}\nversion = {version}\n",
        f"lib/python{minor}/site-packages/README.txt": "Packages.\n",
    }


def _distribution(name: str, version: str, code: str) -> Files:
    return {
        f"site-packages/{name}.py": code,
        f"site-packages/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"site-packages/{name}-{version}.dist-info/RECORD": "",
    }


def build(directory: Path, *, pip: bool = True) -> Path:
    """The channel, indexed."""
    package(directory, "hello", "1.0")
    package(directory, "hello", "1.1")
    package(directory, "needs-hello", "1.0", ["hello >=1.1"])
    package(directory, "clash", "1.0", ["hello <1.1"])
    package(directory, "lonely", "1.0", ["nobody-has-this >=2"])
    greeting: Files = {
        "bin/greet": f"#!/bin/sh\necho {PLACEHOLDER}\n",
        "etc/conda/activate.d/greeter.sh": "export GREETING='good morning'\n",
    }
    package(directory, "greeter", "1.0", files=greeting)
    for version in (RUNNING, f"{NEXT_MINOR}.0"):
        package(directory, "python", version, files=_python(version))
    code = "def main():\n    print('hello from conda')\n"
    pyhello = _distribution("pyhello", "1.0", code)
    package(directory, "pyhello", "1.0", ["python"], pyhello, entry_points=["pyhello = pyhello:main"])
    if pip:
        package(directory, "pip", "26.0", ["python"], _distribution("pip", "26.0", ""), entry_points=[])
    asyncio.run(index_fs(directory, write_shards=False))
    return directory


class Server(ThreadingHTTPServer):
    """Serves a channel. `password`: of anybody, else 401; `truncated`, `hanging`: a part of the name of files that end in the
    middle, or never come."""

    daemon_threads = True
    password = ""
    truncated = ""
    hanging = ""

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(directory)))
        self.asked: list[str] = []
        self.hung = threading.Event()
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        expected = "Basic " + base64.b64encode(f"ada:{self.server.password}".encode()).decode()
        if self.server.password and self.headers.get("Authorization") != expected:
            self.send_error(401)
        elif self.server.hanging and self.server.hanging in self.path:
            self.server.hung.set()
            self.server.closing.wait(60)
        elif self.server.truncated and self.server.truncated in self.path:
            self._half()
        else:
            super().do_GET()

    def _half(self) -> None:
        data = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) // 2))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """To nobody."""


@contextlib.contextmanager
def served(directory: Path) -> Iterator[Server]:
    with Server(directory) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
