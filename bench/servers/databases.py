"""Databases: PostgreSQL, with a standby if one is asked for, and MariaDB."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from getpass import getuser
from pathlib import Path

from bench.servers.process import Server, wait_for_port

POSTGRES = Path("/usr/lib/postgresql/15/bin")


class Postgres(Server):
    """A cluster in a directory of its own, run as the user postgres, because root may not."""

    gentle, hard = signal.SIGINT, signal.SIGQUIT  # "fast" and "immediate", postgres(1)

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self._owner = "postgres" if os.getuid() == 0 else None
        super().__init__(
            (str(POSTGRES / "postgres"), "-D", str(directory), "-p", str(port), "-h", "127.0.0.1",
             "-k", str(directory)),
            directory.parent / "postgres.log",
            user=self._owner,
        )  # fmt: skip

    def start(self) -> None:
        if not self.directory.exists():
            self._create()
        super().start()
        wait_for_port(self.port)
        self._wait_until_started()

    def _wait_until_started(self) -> None:
        """It listens before it answers: "the database system is starting up"."""
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                self.say("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def standby(self, directory: Path, port: int) -> Postgres:
        """Another cluster that follows this one, which answers a commit only when both have it. Started."""
        other = Postgres(directory, port)
        other._make_room()
        self._run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "belfry", "-D", str(directory),
            "-R", "-X", "stream", "-c", "fast",
        )  # fmt: skip
        other.start()
        self.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.say("SELECT pg_reload_conf()")
        return other

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-D", str(self.directory))

    def say(self, statement: str) -> None:
        import psycopg

        address = f"host=127.0.0.1 port={self.port} user=belfry dbname=postgres"
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(statement)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [POSTGRES / program, *words], user=self._owner, group=self._owner, check=True, capture_output=True,
            cwd="/",
        )  # fmt: skip

    def _make_room(self) -> None:
        self.directory.mkdir(mode=0o700)
        if self._owner:
            shutil.chown(self.directory, self._owner, self._owner)
            # The way to it must be open to that user.
            self.directory.parent.chmod(0o711)

    def _create(self) -> None:
        self._make_room()
        subprocess.run(
            [POSTGRES / "initdb", "-D", self.directory, "-U", "belfry", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self._owner, group=self._owner, check=True, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip


class MariaDB(Server):
    """A data directory and a port of its own; its user may do no more than use one database."""

    SQL = (
        "CREATE DATABASE IF NOT EXISTS belfry CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
        "CREATE USER IF NOT EXISTS belfry@'127.0.0.1';\n"
        "GRANT ALL ON belfry.* TO belfry@'127.0.0.1';\n"
    )

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self._start_sql = directory.parent / "mariadb.sql"
        binary = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/bin") or "mariadbd"
        super().__init__(
            # A server that starts empties its directory of temporary tables, also of those of others.
            (binary, "--no-defaults", f"--user={getuser()}", f"--datadir={directory}", f"--port={port}",
             f"--tmpdir={directory.parent}",
             f"--socket={directory.parent}/mariadb.sock", "--bind-address=127.0.0.1", "--skip-name-resolve",
             f"--init-file={self._start_sql}"),
            directory.parent / "mariadb.log",
        )  # fmt: skip

    def start(self) -> None:
        if not self.directory.exists():
            self._start_sql.write_text(self.SQL)
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--user={getuser()}", f"--datadir={self.directory}",
                 "--auth-root-authentication-method=normal", "--skip-test-db"],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        super().start()
        wait_for_port(self.port)
