"""What the tests of the runners share: a receiver of webhooks, and short ways to run a job."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jobs.runners import RUNNERS, CodeRunner, Context, IORunner, Outcome, Spec

RUN_ID = "0d1f7f0e-9a51-4b7e-9d0c-2f6a5d3f8a11"


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    silent: bool = False  # hold the answer until the test is over


class Receiver(ThreadingHTTPServer):
    """A real HTTP server on the loopback; paths it was not told about answer 200 `ok`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.received: list[Received] = []
        self.over = threading.Event()
        self.arrived = threading.Event()
        self.port: int = self.server_address[1]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what several tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        server = self.server
        server.received.append(Received(self.command, self.path, dict(self.headers), body))
        server.arrived.set()
        answer = server.answers.get(self.path, Answer())
        if answer.silent:
            server.over.wait(30)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        while answer.endless and not server.over.is_set():
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - http.server's names

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def spec_for(kind: str, options: dict[str, Any], **values: Any) -> Spec:
    defaults: dict[str, Any] = {"run_id": RUN_ID, "attempt": 1, "job_id": "7", "job_name": "nightly"}
    return Spec(
        **{**defaults, "kind": kind, "options": options, "timeout": 20.0, "stop_grace": 1.0, **values}
    )


def call_webhook(url: str, options: dict[str, Any] | None = None, **values: Any) -> tuple[Outcome, str]:
    """Run a webhook job to its end: the outcome and the log."""
    log: list[str] = []

    async def main() -> Outcome:
        runner = RUNNERS["webhook"]
        assert isinstance(runner, IORunner)
        spec = spec_for("webhook", {"target_url": url, **(options or {})}, **values)
        return await runner.run(Context(spec, asyncio.Event(), log.append))

    return asyncio.run(main()), "".join(log)


def run_class(
    path: str,
    *args: Any,
    cancelled: threading.Event | None = None,
    options: dict[str, Any] | None = None,
    **values: Any,
) -> tuple[Outcome, str]:
    """Run a python_class job to its end: the outcome and the log."""
    log: list[str] = []
    runner = RUNNERS["python_class"]
    assert isinstance(runner, CodeRunner)
    spec = spec_for("python_class", {"job_class": path, "args": list(args)} | (options or {}), **values)
    outcome = runner.run(Context(spec, cancelled or threading.Event(), log.append))
    return outcome, "".join(log)
