"""Where pip would look for packages: its configuration files and variables, as pip itself reads them.

Later files count more than earlier ones, the section `install` more than `global`, and PIP_* variables most. uv reads none
of this by itself.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PYPI = "https://pypi.org/simple"
_LONGEST_FILE = 256 * 1024


@dataclass(frozen=True)
class Index:
    """url: empty where only `find_links` are looked into. alike: whether all are looked into for the best version."""

    url: str = PYPI
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    certificates: str = ""
    alike: bool = False


def read(variables: Mapping[str, str]) -> Index:
    """pip's configuration; UV_DEFAULT_INDEX and UV_INDEX_URL, which are uv's own variables, count more."""
    options: dict[str, str] = {}
    for path in _files(variables):
        options |= _options(path)
    options |= {
        name[4:].lower().replace("_", "-"): value
        for name, value in variables.items()
        if name.startswith("PIP_") and value
    }
    url = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL") or options.get("index-url", PYPI)
    off = options.get("no-index", "").lower() in ("1", "true", "yes", "on")
    return Index(
        url="" if off else url.strip(),
        extra=() if off else _words(options.get("extra-index-url", "")),
        find_links=_words(options.get("find-links", "")),
        constraints=_words(options.get("constraint", "")),
        trusted_hosts=_words(options.get("trusted-host", "")),
        certificates=options.get("cert", ""),
        alike=True,
    )


def variables_of_uv(index: Index) -> dict[str, str]:
    """The same for uv. Addresses go by variables: they may hold credentials, and argument lists are public."""
    given = {
        "UV_DEFAULT_INDEX": index.url,
        "UV_INDEX": " ".join(index.extra),
        "UV_FIND_LINKS": ",".join(index.find_links),
        # pip looks into all its indexes alike; of those in the settings the first that has a package counts.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if index.alike else "",
        "UV_INSECURE_HOST": " ".join(index.trusted_hosts),
        "SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE") or index.certificates,
    }
    return {name: value for name, value in given.items() if value}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _files(variables: Mapping[str, str]) -> Iterator[Path]:
    """In the order in which pip reads them."""
    own = variables.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return
    home = Path(variables.get("HOME") or Path.home())
    for directory in reversed((variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(directory, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield Path(variables.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.conf")
    if own:
        yield Path(own)


def _options(path: Path) -> dict[str, str]:
    """Nothing of a file that is missing, or that pip would refuse as well."""
    parser = configparser.RawConfigParser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_string(file.read(_LONGEST_FILE))
    except (OSError, ValueError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {name.replace("_", "-"): value for name, value in parser.items(section) if value}
    return found
