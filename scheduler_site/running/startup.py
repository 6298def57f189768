"""Prepares a start: directories, lock, port, database, static files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import socket
import stat
import time
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# The longest address of a socket: sun_path holds 108 bytes on Linux, 104 on macOS (unix(7)).
LONGEST_SOCKET_PATH = 103


class CannotStart(Exception):
    """Belfry cannot start; the message says why and what to do."""


def make_directories() -> None:
    """DATA_DIR and RUNTIME_DIR. Raises CannotStart."""
    try:
        for path in (settings.DATA_DIR, settings.DATA_DIR / "redis"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.stat().st_uid == os.getuid() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(0o700)
    except OSError as error:
        raise CannotStart(f"DATA_DIR={settings.DATA_DIR} cannot be used: {error.strerror}.") from error
    make_private(settings.RUNTIME_DIR)
    if len(os.fsencode(settings.EMBEDDED_REDIS_SOCKET)) > LONGEST_SOCKET_PATH:
        raise CannotStart(
            f"{settings.EMBEDDED_REDIS_SOCKET} is too long for a socket. Set XDG_RUNTIME_DIR to a short path."
        )


def make_private(path: Path) -> None:
    """A directory that only this account can enter. Its name is predictable, so another account may have created it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise CannotStart(
            f"The directory {path} cannot be made: {error.strerror}. Set XDG_RUNTIME_DIR."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotStart(
            f"{path} belongs to somebody else. Remove it, or set XDG_RUNTIME_DIR to a directory of your own."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)


def take_lock(seconds: float = 30) -> int:
    """The lock of DATA_DIR: a file descriptor, which the guards inherit.

    The kernel drops the lock with the last process that holds it, so it is never stale. The programs of a
    supervisor that was killed hold it until they have stopped; that is waited for. Raises CannotStart.
    """
    path = settings.DATA_DIR / "up.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while not _locked(lock):
        holder = path.read_text().strip()
        if _alive(holder) or time.monotonic() > deadline:
            os.close(lock)
            raise CannotStart(
                f"Belfry is already running on {settings.DATA_DIR} (process {holder}). Stop it, or set DATA_DIR."
            )
        time.sleep(0.2)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    # The holder writes its number after it took the lock: an empty file means that it is starting.
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def bind_port() -> socket.socket:
    """A socket bound to HOST:PORT, which refuses connections until a server listens. Raises CannotStart."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            settings.HOST, settings.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = settings.PORT + 1 if settings.PORT < 65535 else 8000
            raise CannotStart(
                f"Port {settings.PORT} on {settings.HOST} is taken. Choose another one, for example PORT={other}."
            ) from error
        raise CannotStart(
            f"Cannot listen on {settings.HOST}:{settings.PORT}: {error.strerror}. Check HOST and PORT."
        ) from error
    return listener


def migrate() -> bool:
    """Brings the database up to date; whether there was anything to do."""
    executor = MigrationExecutor(connection)
    pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        call_command("migrate", interactive=False, verbosity=0)
    return pending


def collect_static() -> bool:
    """Collects the static files when one has changed since the last time; whether one had."""
    stamp = settings.DATA_DIR / "static.stamp"
    digest = static_digest()
    if stamp.exists() and stamp.read_text() == digest and settings.STATIC_ROOT.is_dir():
        return False
    # Cleared first: it keeps a copy that is not older than its source, even of an earlier version.
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(digest)
    return True


def static_digest() -> str:
    """Changes with the path, size or time of any static file."""
    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            found.update(f"{storage.path(name)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def tidy() -> None:
    """Removes what only a running Belfry needs."""
    with contextlib.suppress(OSError):
        settings.EMBEDDED_REDIS_SOCKET.unlink(missing_ok=True)
        settings.RUNTIME_DIR.rmdir()
