"""A Conda Task Manager as it stands somewhere: its documented API on a loopback port, and how it may misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = {"username": "boss", "password": "canary-4711"}


class Manager:
    """What it has, and what was asked of it. `special` are bodies, statuses or ways to misbehave by path."""

    def __init__(self) -> None:
        self.environments: dict[str, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.special: dict[str, Any] = {}
        self.asked: list[str] = []
        self.url = ""
        self.sessions: set[str] = set()
        # Answers to so many requests, then the session is over.
        self.patience = 10**6

    def environment(self, name: str, *packages: str, python: str = "3.9.7") -> None:
        parts = [dict(zip(("name", "version"), one.split("=="), strict=True)) for one in packages]
        self.environments[name] = {
            "name": name,
            "python_version": python,
            "created_at": "2025-04-15",
            "packages": parts,
            "usage_stats": {"total_tasks": 1},
        }

    def task(self, key: int, *runs: dict[str, Any], **changes: Any) -> None:
        task = {
            "task_id": key,
            "task_name": f"task {key}",
            "status": "completed",
            "script_path": "print('old')",
            "conda_env": "data",
            "created_at": "2025-05-01 10:00:00",
            "cron_expression": None,
            "next_run_time": None,
            "last_run_time": None,
            "last_run_duration": None,
            "requirements": None,
        }
        self.tasks[key] = {"task": task | changes, "runs": list(runs)}

    def answer(self, method: str, path: str, cookie: str) -> tuple[int, Any]:
        if path in self.special:
            return 200, self.special[path]
        if not self.sessions.intersection(cookie.split("session=")):
            return 401, {"success": False, "message": "Authentication required"}
        if path == "/api/conda/environments":
            shown = ("name", "python_version", "created_at")
            return 200, [
                {key: one[key] for key in shown} | {"packages": [p["name"] for p in one["packages"]]}
                for one in self.environments.values()
            ]
        if path.startswith("/api/conda/environment/"):
            return self._one(self.environments, path.rpartition("/")[2])
        if path == "/api/tasks":
            return 200, [one["task"] for one in self.tasks.values()]
        if path.startswith("/api/tasks/"):
            status, found = self._one(self.tasks, int(path.rpartition("/")[2]))
            if status != 200:
                return status, found
            latest = found["runs"][-1] if found["runs"] else None
            shorter = [run | {"logs": ""} for run in found["runs"]]
            return 200, {
                "success": True,
                "task": found["task"],
                "execution_history": shorter,
                "latest_execution": latest,
            }
        return 404, {"success": False}

    @staticmethod
    def _one(rows: dict[Any, Any], key: Any) -> tuple[int, Any]:
        return (200, rows[key]) if key in rows else (404, {"success": False})


def run(number: int, status: str = "completed", **changes: Any) -> dict[str, Any]:
    return {
        "execution_id": f"00000000-0000-4000-8000-{number:012d}",
        "start_time": f"2026-05-02 06:00:{number % 60:02d}",
        "end_time": "2026-05-02 06:01:30",
        "status": status,
        "duration": 45.2,
        "peak_memory": 128.5,
        "avg_memory": 78.3,
        "exit_code": 0,
        "logs": f"run {number}\n",
    } | changes


@contextmanager
def serving(manager: Manager) -> Iterator[Manager]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            manager.asked.append(f"{self.command} {self.path}")
            if self._misbehaved(manager.special.get(self.path)):
                return
            if len(manager.asked) > manager.patience:
                manager.patience = 10**6
                manager.sessions.clear()
            status, body = manager.answer(self.command, self.path, self.headers.get("Cookie", ""))
            self._send(status, json.dumps(body).encode())

        def do_POST(self) -> None:
            manager.asked.append(f"{self.command} {self.path}")
            sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if self.path == "/logout":
                self._send(200, b'{"message": "Logout successful"}')
            elif sent == ACCOUNT:
                token = f"token-{len(manager.sessions)}-{len(manager.asked)}"
                manager.sessions.add(token)
                self._send(200, b'{"message": "Login successful"}', f"session={token}; Path=/; HttpOnly")
            else:
                self._send(401, b'{"message": "Invalid username or password"}')

        def _misbehaved(self, how: Any) -> bool:
            if how == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
            elif how == "silence":
                time.sleep(5)
            elif how == "endless":
                self.send_response(200)
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(b" " * 65536)
                except OSError:
                    pass
            elif isinstance(how, bytes):
                self._send(200, how)
            elif isinstance(how, int):
                self._send(how, b'{"status": "error", "message": "Feature not fully implemented"}')
            else:
                return False
            return True

        def _send(self, status: int, body: bytes, cookie: str = "") -> None:
            self.send_response(status)
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    manager.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield manager
    finally:
        server.shutdown()
        server.server_close()
