"""Reads an old Conda Task Manager through its own documented API, and changes nothing there but logging in and out.

What answers is not trusted: every call has a deadline as a whole, answers have a limit, redirects are not followed, and a
value that is not of its type counts as none.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import requests

from scheduler_site.lib import strict_json
from scheduler_site.lib.text import storable

CALL_SECONDS = 30.0
CONNECT_SECONDS = 10.0
MOST_BYTES = 64 * 1024 * 1024
MOST_ROWS = 10_000
PIECE = 64 * 1024
LONGEST_TEXT = 1024 * 1024
Row = dict[str, Any]


class Unreachable(Exception):
    """The old manager cannot be read; the text says why."""


class OldManager:
    """A session at `url`, which may have a path of its own. Raises Unreachable."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = _address(url)
        self._account = {"username": username, "password": password}
        self._http = requests.Session()
        # No proxy and no password out of a file that was meant for something else.
        self._http.trust_env = False
        self._log_in()

    def environments(self) -> Iterator[Row]:
        """Each with its packages and their versions."""
        for row in self._list("/api/conda/environments"):
            name = text(row.get("name"))
            found = self._object(f"/api/conda/environment/{quote(name, safe='')}") if name else {}
            yield row | found

    def tasks(self) -> Iterator[Row]:
        """What the list tells of each, what the task itself tells in `task`, and its runs in `runs`."""
        for row in self._list("/api/tasks"):
            key = row.get("task_id")
            if not isinstance(key, int) or isinstance(key, bool):
                continue
            found = self._object(f"/api/tasks/{key}")
            told, runs = found.get("task"), found.get("execution_history")
            latest = found.get("latest_execution")
            yield row | (told if isinstance(told, dict) else {}) | {"runs": _runs(runs, latest)}

    def close(self) -> None:
        """Logs out, as far as the old manager lets one."""
        try:
            self._call("POST", "/logout", {})
        except Unreachable:
            pass
        finally:
            self._http.close()

    def _log_in(self) -> None:
        status, _body = self._call("POST", "/login", self._account)
        if status == 401:
            raise Unreachable("It does not know this name with this password.")
        if status != 200 or not self._http.cookies.get("session"):
            raise Unreachable(f"Its login answers with {status} and no session.")

    def _list(self, path: str) -> list[Row]:
        found = self._get(path)
        if not isinstance(found, list) or len(found) > MOST_ROWS:
            raise Unreachable(f"{path} is no list of at most {MOST_ROWS} rows.")
        return [row for row in found if isinstance(row, dict)]

    def _object(self, path: str) -> Row:
        found = self._get(path)
        return found if isinstance(found, dict) else {}

    def _get(self, path: str) -> Any:
        status, body = self._call("GET", path)
        if status == 401:  # the session is over after 15 minutes
            self._log_in()
            status, body = self._call("GET", path)
        if status != 200:
            raise Unreachable(f"{path} answers with {status}.")
        return body

    def _call(self, method: str, path: str, body: Row | None = None) -> tuple[int, Any]:
        """Status and JSON. In a thread of its own: however slowly an answer drips, it is not waited for longer."""
        answers: SimpleQueue[tuple[int, Any] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._asked(method, path, body))
            except (requests.RequestException, ValueError, Unreachable) as error:
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answers.get(timeout=CALL_SECONDS)
        except Empty:
            raise Unreachable(f"{path} has not answered within {CALL_SECONDS:.0f} seconds.") from None
        if isinstance(found, Exception):
            raise Unreachable(f"{path} cannot be read: {found}") from found
        return found

    def _asked(self, method: str, path: str, body: Row | None) -> tuple[int, Any]:
        deadline = time.monotonic() + CALL_SECONDS
        with self._http.request(
            method,
            self.url + path,
            json=body,
            timeout=(CONNECT_SECONDS, CALL_SECONDS + 1),
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.is_redirect:
                raise Unreachable("It leads to another address. Give that one, if it is the right one.")
            content = b""
            for piece in answer.iter_content(PIECE):
                content += piece
                if len(content) > MOST_BYTES or time.monotonic() > deadline:
                    raise Unreachable(f"Its answer has more than {MOST_BYTES} bytes, or does not end.")
        return answer.status_code, strict_json.loads(content) if answer.ok and content else None


def _address(url: str) -> str:
    """Without a slash at its end. A name and a password in it would be shown to every account of this machine."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise Unreachable("This is no address such as http://old.example.com:5000.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def printable(name: str) -> str:
    """For a report on somebody's terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:200])


def text(value: Any) -> str:
    """A text as it may be stored; empty for all else."""
    return storable(value)[:LONGEST_TEXT] if isinstance(value, str) else ""


def moment(value: Any, zone: ZoneInfo) -> dt.datetime | None:
    """A time as the old manager writes it, in its zone; none for anything else."""
    try:
        found = dt.datetime.fromisoformat(text(value))
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _runs(history: Any, latest: Any) -> list[Row]:
    """The runs of a task; of the last one all that it wrote."""
    found = [run for run in history if isinstance(run, dict)] if isinstance(history, list) else []
    if isinstance(latest, dict):
        found = [run for run in found if run.get("execution_id") != latest.get("execution_id")] + [latest]
    return found
