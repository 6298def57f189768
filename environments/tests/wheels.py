"""Wheels of a few bytes, and a directory of them that stands for an index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path


def wheel(directory: Path, name: str, version: str, requires: Sequence[str] = (), extra: str = "") -> Path:
    """A pure wheel with a module of the same name, whose VERSION is the version."""
    stem = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}{needs}",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    path = directory / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        lines = [f"{file},sha256={_digest(text)},{len(text)}" for file, text in files.items()]
        archive.writestr(record, "\n".join([*lines, f"{record},,"]) + "\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def shelf(directory: Path) -> Path:
    """hello 1.0 and 1.1; needs-hello (hello>=1.1); clash (hello<1.1); lonely, of which a dependency is missing."""
    directory.mkdir()
    wheel(directory, "hello", "1.0")
    wheel(directory, "hello", "1.1")
    wheel(directory, "needs-hello", "1.0", ["hello>=1.1"])
    wheel(directory, "clash", "1.0", ["hello<1.1"])
    wheel(directory, "lonely", "1.0", ["nobody-has-this"])
    return directory
