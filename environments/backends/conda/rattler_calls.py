"""Calls of rattler, the library that makes Conda environments: where packages come from, solving, installing, its errors.

Of its many traps these are minded here: strings are read leniently by MatchSpec alone; requested specifications are passed as
its inner objects; an exception in a reporter is lost; a cancelled installation may go on in threads of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import stat
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import rattler
from rattler.exceptions import GatewayError, InstallerError, SolverError

from environments.backends import validators
from environments.backends.base import Config, Failed, Progress

Result = TypeVar("Result")


class Tool:
    """One operation's view of the channels. Raises Failed; its text holds rattler's own words."""

    def __init__(self, config: Config, *, retries: int = 3) -> None:
        self.config = config
        self.urls = [validators.channel_url(channel, config.channel_alias) for channel in config.channels]
        self.sources = [rattler.Channel(url) for url in self.urls]
        self.platforms = [rattler.Subdir.current(), rattler.Subdir("noarch")]
        self._client = rattler.Client.from_config(_network(config), max_retries=retries)
        self._gateway = rattler.Gateway(cache_dir=self._cache("repodata"), client=self._client)
        self._deadline = time.monotonic() + config.timeout

    def _cache(self, name: str) -> Path:
        path = Path(self.config.cache_dir, "conda", name)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def versions(self, name: str, *, timeout: float | None = None) -> list[str]:
        """The versions of a package that the channels have for this platform."""
        query = self._gateway.query(self.sources, self.platforms, [name], recursive=False)
        found = self._awaited(query, timeout)
        return [str(record.version) for records in found for record in records]

    def solve(
        self, specs: Sequence[str], installed: Sequence[rattler.PrefixRecord] = ()
    ) -> list[rattler.RepoDataRecord]:
        """What is to be there for these specifications; of `installed` as much as possible stays."""
        return self._awaited(
            rattler.solve(
                self.sources,
                [rattler.MatchSpec(spec) for spec in specs],
                gateway=self._gateway,
                platforms=self.platforms,
                locked_packages=list(installed),
                virtual_packages=rattler.VirtualPackage.detect(),
            )
        )

    def install(
        self,
        records: Sequence[rattler.RepoDataRecord],
        prefix: Path,
        specs: Sequence[str],
        progress: Progress,
    ) -> None:
        """Makes the prefix have these records and no others."""
        installing = rattler.install(
            list(records),
            prefix,
            cache_dir=self._cache("packages"),
            installed_packages=installed(prefix),
            execute_link_scripts=False,
            show_progress=False,
            client=self._client,
            # It takes the inner objects only.
            requested_specs=[rattler.MatchSpec(spec)._match_spec for spec in specs],
            reporter=_Reporter(progress),  # type: ignore[abstract]
        )
        late = Failed(f"It did not end within {self.config.timeout:g} seconds.", broken=True)
        self._awaited(installing, late=late)

    def _awaited(
        self, work: Coroutine[Any, Any, Result], timeout: float | None = None, late: Failed | None = None
    ) -> Result:
        left = self._deadline - time.monotonic()

        async def limited() -> Result:
            return await asyncio.wait_for(work, min(left, timeout or left))

        try:
            return asyncio.run(limited())
        except TimeoutError:
            urls = ", ".join(self.urls)
            raise late or Failed(
                f"No answer in time from {urls}. Check CONDA_CHANNELS and CONDA_CHANNEL_ALIAS."
            ) from None
        except GatewayError as error:
            raise Failed(self._unreachable(str(error))) from error
        except SolverError as error:
            raise Failed(str(error).strip()) from error
        except InstallerError as error:
            # It does not wait for the packages that were being written when another one failed.
            raise Failed(str(error).strip(), broken=True) from error

    def _unreachable(self, text: str) -> str:
        """With what to do about it."""
        if any(status in text for status in ("401", "403", "407")):
            return f"{text}\nThe channel asks for credentials. Set CONDA_AUTH_FILE to a file that has them."
        urls = ", ".join(self.urls)
        return f"{text}\nTried {urls}. Set CONDA_CHANNELS or CONDA_CHANNEL_ALIAS to channels that can be reached from here."


def installed(prefix: Path) -> list[rattler.PrefixRecord]:
    records = []
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        try:
            records.append(rattler.PrefixRecord.from_path(path))
        except Exception as error:
            raise Failed(f"The record conda-meta/{path.name} cannot be read: {error}") from error
    return records


def name_of(record: rattler.RepoDataRecord) -> str:
    return str(record.name.normalized)


def _network(config: Config) -> rattler.Config:
    """Proxies come from the environment (HTTP_PROXY and so on)."""
    lines = []
    if config.auth_file:
        _check_private(Path(config.auth_file))
        lines.append(f"authentication-override-file = {json.dumps(config.auth_file)}")
    if Path(os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile).is_file():
        # An authority of one's own is known to the system alone.
        lines.append('tls-root-certs = "system"')
    return rattler.Config.from_toml("\n".join(lines))


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise Failed(f"CONDA_AUTH_FILE cannot be read: {error.strerror}.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise Failed("CONDA_AUTH_FILE can be read by others than its owner. Give it the mode 0600.")


class _Reporter(rattler.InstallerReporter):
    """Lines of progress. What is raised in here is lost, and it is called by threads of rattler's own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._names: dict[int, str] = {}

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        self._names[operation] = package_name
        return operation

    def on_download_start(self, cache_entry: int) -> int:
        self._progress(f"Downloading {self._names.get(cache_entry, 'a package')}")
        return cache_entry

    def on_unlink_start(self, operation: int, package_name: str) -> int:
        self._progress(f"Removing {package_name}")
        return operation

    def on_link_start(self, operation: int, package_name: str) -> int:
        self._progress(f"Installing {package_name}")
        return operation
