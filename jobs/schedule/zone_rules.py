"""The rules of time zones that this process came with: tzdata, from the system or from the package.

Python looks into the folders of `zoneinfo.TZPATH` (PYTHONTZPATH, or the system's), then into the package `tzdata` (PEP 615).
"""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

# The first line of tzdata.zi, which tzdata has beside its compiled files.
VERSION = re.compile(r"# version (\w{1,15})\b")


class Rules(NamedTuple):
    """The compiled rules of a zone (TZif, RFC 8536), and the release of tzdata that they are of, such as `2026b`.

    Releases are in order as text. A folder that does not name its release has none (""), which comes before all others.
    """

    version: str
    data: bytes


@lru_cache(maxsize=1000)
def local(name: str) -> Rules | None:
    """The rules of a zone as `ZoneInfo(name)` would read them; None for a zone that is not known here."""
    if name not in zoneinfo.available_timezones():
        return None
    for folder in map(Path, zoneinfo.TZPATH):
        if (found := folder / name).is_file():
            return Rules(_version_of(folder), found.read_bytes())
    file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    return Rules(_version_of_package(), file.read_bytes())


def version() -> str:
    """The release of the tzdata that is asked first."""
    return next(
        (found for folder in zoneinfo.TZPATH if (found := _version_of(Path(folder)))), _version_of_package()
    )


def compiled(name: str, data: bytes) -> ZoneInfo:
    """Raises ValueError for what is no TZif file."""
    return ZoneInfo.from_file(BytesIO(data), key=name)


@lru_cache(maxsize=16)
def _version_of(folder: Path) -> str:
    try:
        with (folder / "tzdata.zi").open(encoding="utf-8", errors="replace") as file:
            found = VERSION.match(file.readline())
    except OSError:
        return ""
    return found[1] if found else ""


def _version_of_package() -> str:
    try:
        import tzdata
    except ImportError:
        return ""
    return str(tzdata.IANA_VERSION)
