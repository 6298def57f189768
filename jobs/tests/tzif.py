"""Made-up rules of time zones, as a host would have them: a folder with a TZif file and the name of a release."""

from __future__ import annotations

import datetime as dt
import struct
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from jobs import zones
from jobs.schedule import zone_rules

# At this moment, hours from UTC on.
Change = tuple[dt.datetime, float]


def host(folder: Path, version: str, zone: str, hours: float, *changes: Change) -> None:
    """From now on this process is one of a host whose tzdata says so: `hours` from UTC, until the first change."""
    folder = folder / version
    (folder / zone).parent.mkdir(parents=True, exist_ok=True)
    (folder / zone).write_bytes(tzif(hours, changes))
    (folder / "tzdata.zi").write_text(f"# version {version}\n")
    start_on(folder)


def start_on(folder: Path) -> None:
    """As a process that has just started and has read nothing yet."""
    zoneinfo.reset_tzpath([str(folder)])
    forget()


def back() -> None:
    zoneinfo.reset_tzpath()
    forget()


def forget() -> None:
    ZoneInfo.clear_cache()
    zone_rules.local.cache_clear()
    zone_rules._version_of.cache_clear()
    zones.forget()


def tzif(hours: float, changes: Sequence[Change]) -> bytes:
    """A file of version 1 (RFC 8536, section 3)."""
    offsets = [hours, *(offset for _moment, offset in changes)]
    names = b"XXX\0"
    header = struct.pack(">4s c 15x 6l", b"TZif", b"\0", 0, 0, 0, len(changes), len(offsets), len(names))
    moments = b"".join(struct.pack(">l", int(moment.timestamp())) for moment, _offset in changes)
    kinds = bytes(range(1, len(offsets)))
    types = b"".join(struct.pack(">l?B", int(offset * 3600), False, 0) for offset in offsets)
    return header + moments + kinds + types + names
