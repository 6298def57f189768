"""Programs that a backend starts: argv lists, a clean environment, a deadline, and their lines as progress."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from environments import prctl
from environments.backends.base import Failed, Progress
from environments.backends.validators import without_credentials

# What a program that fetches packages needs of the service's environment. An allow-list: a new secret needs no new rule.
PASSED = (
    *(
        "PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "XDG_CONFIG_DIRS",
        "XDG_CACHE_HOME",
    ),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NETRC", "RATTLER_AUTH_FILE", "PYENV_ROOT"),
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ),
    *(
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_CONFIG_FILE",
    ),
    *("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS", "CONDA_PKGS_DIRS", "CONDARC", "MAMBA_ROOT_PREFIX"),
)
_PREFIXES = ("LC_", "PIP_", "CONDA_OVERRIDE_")
_LONGEST_LINE = 2000
_LONGEST_OUTPUT = 1024 * 1024


@dataclass(frozen=True)
class Result:
    status: int
    output: str  # stdout
    errors: str  # stderr


def clean_environment(source: Mapping[str, str]) -> dict[str, str]:
    """The variables that a tool needs (PATH, HOME, proxies, languages), without those of Belfry."""
    passed = {name: value for name, value in source.items() if name in PASSED or name.startswith(_PREFIXES)}
    return {"PATH": os.defpath, **passed}


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    variables: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Runs a program to its end; each line that it writes to stderr is progress.

    Raises Failed when it cannot be started or takes longer than `timeout` seconds; it is killed then.
    """
    environment = {**clean_environment(os.environ), **(variables or {})}
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/",
            text=True,
            encoding="utf-8",
            errors="replace",
            # What it starts ends with this process: nothing goes on writing without the lock.
            preexec_fn=prctl.die_with_parent,
        )
    except OSError as error:
        raise Failed(f"{argv[0]} cannot be started: {error.strerror}.") from error
    with process:
        return _followed(process, timeout, progress)


def _followed(process: subprocess.Popen[str], timeout: float, progress: Progress | None) -> Result:
    output: list[str] = []
    reader = threading.Thread(target=_read, args=(process, output), daemon=True)
    late = threading.Event()
    watchdog = threading.Timer(max(timeout, 0.1), _kill, (process, late))
    watchdog.daemon = True
    reader.start()
    watchdog.start()
    try:
        errors = _lines(process, progress)
        process.wait()
        reader.join()
    finally:
        watchdog.cancel()
        process.kill()
    if late.is_set():
        raise Failed(f"It did not end within {timeout:g} seconds and was ended.")
    return Result(process.returncode, output[0] if output else "", without_credentials(errors))


def _kill(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    process.kill()


def _read(process: subprocess.Popen[str], output: list[str]) -> None:
    assert process.stdout is not None  # noqa: S101
    output.append(process.stdout.read())


def _lines(process: subprocess.Popen[str], progress: Progress | None) -> str:
    assert process.stderr is not None  # noqa: S101
    kept, size = [], 0
    for line in process.stderr:
        if progress and line.strip():
            progress(without_credentials(line.rstrip()[:_LONGEST_LINE]))
        size += len(line)
        if size <= _LONGEST_OUTPUT:
            kept.append(line)
    return "".join(kept)
