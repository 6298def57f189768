"""A Belfry of its own with one account of each role. Its jobs can call nobody: whatever they are to call has no address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from scheduler_site.openapi import routes
from scheduler_site.tests.documents import closed
from scheduler_site.tests.processes import eventually

PORT = int(os.environ.get("CONTRACT_PORT", "8041"))
SECONDS = int(os.environ.get("CONTRACT_SECONDS", "60"))
PASSWORD = "correct-horse-9"
# `DATABASE_URL` may lead to a database of its own; everything else is left behind.
LEFT_OUT = ("REDIS_URL", "CELERY_BROKER_URL", "DEPLOYMENT", "HOST", "GITHUB_TOKEN", "DATA_DIR")
NOWHERE = {
    "PORT": str(PORT),
    "WEBHOOK_ALLOWED_HOSTS": "",
    "GITHUB_API_URL": "http://127.0.0.1:9",
    "MAIL_ENABLED": "false",
    "ALLOW_DEFAULT_ADMIN": "true",
}


class Belfry:
    """A running installation, the accounts in it, and the document that it is held against."""

    def __init__(self, directory: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        self.api = f"http://127.0.0.1:{PORT}/api/v2"
        self.output = directory / "output"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=settings.BASE_DIR,
                env=inherited | NOWHERE | {"DATA_DIR": str(directory)},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.document = directory / "openapi.json"
        self.document.write_text(json.dumps(closed(routes.document())))

    def wait_until_healthy(self) -> None:
        assert eventually(self._healthy, 120), self.said()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def ask(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        request = urllib.request.Request(self.api + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def log_in(self, name: str, password: str) -> tuple[str, str]:
        """The access token, and the id of the account."""
        found = self.ask("/auth/login", {"username": name, "password": password})
        return found["access_token"], found["user"]["id"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="session")
def belfry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Belfry]:
    found = Belfry(tmp_path_factory.mktemp("contract"))
    try:
        found.wait_until_healthy()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def accounts(belfry: Belfry) -> dict[str, tuple[str, str]]:
    """Token and id by role; nobody has neither."""
    admin = belfry.log_in("admin", "admin123")
    found = {"admin": admin, "nobody": ("", "")}
    for role in ("user", "viewer"):
        account = {
            "username": f"a-{role}",
            "email": f"{role}@example.com",
            "password": PASSWORD,
            "role": role,
        }
        belfry.ask("/auth/register", account, admin[0])
        found[role] = belfry.log_in(f"a-{role}", PASSWORD)
    return found
