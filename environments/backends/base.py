"""What a backend can do, and what is said of it.

Nothing in this package imports Django or touches the database: it runs in a child process of its own, one per operation
(`environments/operations/child.py`), away from settings and secrets. What it needs of the settings comes in as `Config`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

# Called with one line about what is being done; the page shows it.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Config:
    """Where packages come from and where they are kept; paths are absolute."""

    cache_dir: str  # of archives and indexes, shared by all environments
    channels: tuple[str, ...] = ("conda-forge",)  # Conda: names below `channel_alias`, or URLs
    channel_alias: str = "https://conda.anaconda.org"
    auth_file: str = ""  # RATTLER_AUTH_FILE, 0600
    index_url: str = ""  # PyPI; empty: as pip is configured, else pypi.org
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    python: str = ""  # the interpreter that PyPI environments are made with when no version is asked for
    conda_exe: str = ""  # CONDA_EXE; empty: looked for in PATH
    timeout: float = 600.0  # seconds for a whole operation


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    source: str = ""  # conda or pypi
    build: str = ""


@dataclass(frozen=True)
class DiskUse:
    """Bytes of distinct inodes; `shared` is the part of them whose inodes have other links too."""

    total: int
    shared: int


@dataclass(frozen=True)
class Found:
    """An environment that lies here already."""

    name: str
    prefix: str
    python_version: str = ""


class Failed(Exception):
    """An operation that did not succeed.

    str(self): the tool's own words. packages: those of the request that were at fault; details: one sentence for each.
    broken: whether the environment may not be what it was before.
    """

    def __init__(
        self,
        text: str,
        *,
        packages: Sequence[str] = (),
        details: Sequence[str] = (),
        broken: bool = False,
    ) -> None:
        super().__init__(text)
        self.packages, self.details, self.broken = tuple(packages), tuple(details), broken


class Invalid(ValueError):
    """A name, version or package specification that is not of the allowed form; the text says which and why.

    template and values: what the text is put together from, for those who say it in another language (errors.worded). A
    value may be Invalid itself.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template % values if values else template)
        self.template, self.values = template, values


class Backend(Protocol):
    """One way to make environments. Every method may take long but `validate`, `packages` and `run_environment`; none touches a
    prefix that it was not given. Raises Failed for what the tool refused."""

    name: ClassVar[str]
    config: Config

    def available(self) -> str:
        """Empty when it can be used now; else why not, with the address that was tried and the setting to change."""

    def python_versions(self) -> list[str]:
        """`X.Y`, the newest first."""

    def validate(self, specs: Sequence[str]) -> list[str]:
        """The specifications in normal form. Raises Invalid that names the first one at fault."""

    def create(self, prefix: Path, python: str, specs: Sequence[str], progress: Progress) -> None:
        """Makes a new environment. What it leaves behind when it fails is removed by the caller."""

    def install(self, prefix: Path, specs: Sequence[str], progress: Progress) -> None: ...

    def remove(self, prefix: Path, names: Sequence[str], progress: Progress) -> None: ...

    def update(self, prefix: Path, names: Sequence[str], progress: Progress) -> None:
        """To the newest versions that fit; without names, all."""

    def packages(self, prefix: Path) -> list[Package]:
        """Read from the prefix, by name; of what both sources know, Conda's word counts."""

    def delete(self, prefix: Path, progress: Progress) -> None:
        """Removes the whole prefix, following no link."""

    def disk_use(self, prefix: Path) -> DiskUse: ...

    def run_environment(self, prefix: Path) -> dict[str, str]:
        """The variables that activating it would set; PATH holds only what is put before the usual one."""

    def discover(self) -> list[Found]:
        """Environments of an installed tool; empty for backends that only make their own."""


@dataclass(frozen=True)
class Request:
    """What a child process is asked for, as JSON on its standard input."""

    action: str  # the name of a method of Backend
    backend: str
    config: Config
    prefix: str = ""
    home: str = ""  # ENVIRONMENTS_DIR/<uid>, where `lock` and `description.json` are
    python: str = ""
    specs: tuple[str, ...] = field(default_factory=tuple)
