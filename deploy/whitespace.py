"""Removes blanks at line ends and makes files end with one newline; exits with 1 when it changed any."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def tidy(text: bytes) -> bytes:
    without = re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", text)
    return without.rstrip(b"\r\n") + b"\n" if without.strip() else b""


def main(names: list[str]) -> int:
    changed = [path for path in map(Path, names) if path.read_bytes() != tidy(path.read_bytes())]
    for path in changed:
        path.write_bytes(tidy(path.read_bytes()))
        sys.stdout.write(f"tidied {path}\n")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
