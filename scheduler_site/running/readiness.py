"""Asks the running system whether it is healthy, as a client would."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

from django.conf import settings


class Probe:
    """Asks in a thread of its own until the answer is yes: then `ready` is set. `answer` is the last one."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.answer = "no answer yet"
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._ask, daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _ask(self) -> None:
        while not self._ended.wait(0.2):
            try:
                healthy, self.answer = ask()
            except (OSError, http.client.HTTPException) as error:
                healthy, self.answer = False, f"no answer ({error})"
            if healthy:
                self.ready.set()
                return


def ask() -> tuple[bool, str]:
    """Whether GET /api/health says so, and what is amiss. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection(reachable_host(), settings.PORT, timeout=3)
    try:
        connection.request("GET", "/api/health", headers={"Host": host_header()})
        response = connection.getresponse()
        return judge(response.status, response.read(65536))
    finally:
        connection.close()


def judge(status: int, body: bytes) -> tuple[bool, str]:
    """What an answer of /api/health means: healthy or not, and the checks that failed."""
    try:
        health: Any = json.loads(body)
    except ValueError:
        health = None
    if not isinstance(health, dict):
        return False, f"status {status}"
    if status == http.HTTPStatus.OK and health.get("status") == "healthy":
        return True, "healthy"
    return False, f"{health.get('status', status)} {_amiss(health)}".strip()


def _amiss(health: dict[str, Any]) -> str:
    checks = health.get("checks")
    if isinstance(checks, dict):
        failed = [
            name
            for name, check in checks.items()
            if not (check.get("ok") if isinstance(check, dict) else check)
        ]
    elif isinstance(checks, list):
        failed = [
            str(check.get("name")) for check in checks if isinstance(check, dict) and not check.get("ok")
        ]
    else:
        failed = []
    return f"({', '.join(failed)})" if failed else ""


def reachable_host() -> str:
    """An address of this machine that reaches a server listening on HOST."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.HOST, settings.HOST)  # noqa: S104


def host_header() -> str:
    """A host name that this installation accepts."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name.strip(".") and "*" not in name]
    return names[0] if names else "localhost"
