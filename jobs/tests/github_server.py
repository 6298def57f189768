"""A small GitHub on the loopback, as a fixture: it starts workflows, and their runs go as a test tells them to."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, Context, IORunner, Outcome
from jobs.runners.github_actions import dispatch, follow

from .running import spec_for

TOKEN = "ghp_canary4711"
OPTIONS = {"owner": "acme", "repo": "tools", "workflow": "nightly.yml"}
REPOSITORY = "/repos/acme/tools"
RUN = 4242


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class GitHub:
    """What it does, to be changed by tests, and what it was asked."""

    workflows: set[str] = field(default_factory=lambda: {"nightly.yml"})
    modern: bool = True  # answers a dispatch with the number of the run
    knows_details: bool = True  # false: refuses the wish for it, as a strict older server does
    # Statuses that a run goes through, one a look; the last one stays.
    course: list[tuple[str, str | None]] = field(
        default_factory=lambda: [("queued", None), ("in_progress", None), ("completed", "success")]
    )
    on_cancel: str | None = "cancelled"  # the conclusion of a run that is asked to end; None: it does not end
    # Answers instead of the usual ones: `(method, end of the path)` to status, headers, body; used up one by one.
    instead: dict[tuple[str, str], list[tuple[int, dict[str, str], Any]]] = field(default_factory=dict)
    slow: float = 0.0  # seconds before a dispatch is answered
    foreign: int = 0  # runs that others start at the same time
    link: str = "https://github.com/acme/tools/actions/runs/4242"
    calls: list[Call] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    watched: threading.Event = field(default_factory=threading.Event)
    looks: int = 0
    started_at: dt.datetime | None = None
    url: str = ""

    def of(self, method: str, ending: str) -> list[Call]:
        return [call for call in self.calls if call.method == method and call.path.endswith(ending)]

    @property
    def dispatches(self) -> list[Call]:
        return self.of("POST", "/dispatches")

    async def handle(self, request: web.Request) -> web.Response:
        text = await request.text()
        call = Call(
            request.method,
            request.path,
            dict(request.query),
            json.loads(text or "null"),
            dict(request.headers),
        )
        self.calls.append(call)
        for (method, ending), answers in self.instead.items():
            if method == call.method and call.path.endswith(ending) and answers:
                status, headers, body = answers.pop(0)
                return web.Response(status=status, headers=headers, text=json.dumps(body))
        if call.path.endswith("/dispatches"):
            return await self._dispatch(call)
        if call.path.endswith("/runs"):
            return web.json_response({"workflow_runs": self._list()})
        if call.path.endswith("/cancel"):
            self.course = [("completed", self.on_cancel)] if self.on_cancel else self.course
            return web.json_response({}, status=202)
        if call.path.endswith("/force-cancel"):
            return web.json_response({}, status=202)
        return self._look(call)

    async def _dispatch(self, call: Call) -> web.Response:
        self.began.set()
        await asyncio.sleep(self.slow)
        if call.path.split("/")[-2] not in self.workflows:
            return web.json_response({"message": "Not Found"}, status=404)
        if not self.knows_details and "return_run_details" in call.body:
            return web.json_response(
                {"message": 'Invalid request. "return_run_details" is not a permitted key.'}, status=422
            )
        self.started_at = dt.datetime.now(dt.UTC)
        if not self.modern:
            return web.Response(status=204)
        return web.json_response({"workflow_run_id": RUN, "run_url": "x", "html_url": self.link})

    def _list(self) -> list[dict[str, Any]]:
        if self.started_at is None:
            return []
        about = {"event": "workflow_dispatch", "head_branch": "master", "html_url": self.link}
        about["created_at"] = f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}"
        older = about | {"created_at": "2026-01-01T00:00:00Z", "id": 1}
        return [about | {"id": RUN + number} for number in range(1 + self.foreign)] + [older]

    def _look(self, call: Call) -> web.Response:
        status, conclusion = self.course[min(self.looks, len(self.course) - 1)]
        etag = f'"{status}"'
        self.looks += 1
        if status == "in_progress":
            self.watched.set()
        if call.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        body = {"id": RUN, "status": status, "conclusion": conclusion, "html_url": self.link}
        return web.json_response(body, headers={"ETag": etag})

    def serve(self) -> Callable[[], None]:
        """Starts it in a thread of its own; returns what ends it."""
        loop = asyncio.new_event_loop()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

        loop.run_until_complete(start())
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        async def stop() -> None:
            await runner.cleanup()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        def end() -> None:
            asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

        return end


@pytest.fixture
def github(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The settings name it, and nobody waits long between two looks."""
    server = GitHub()
    end = server.serve()
    settings.GITHUB_API_URL, settings.GITHUB_TOKEN = server.url, TOKEN
    settings.WEBHOOK_ALLOWED_HOSTS = []
    monkeypatch.setattr(dispatch, "LOOKS", (0.01,) * 4)
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "CANCEL_PAUSE"):
        monkeypatch.setattr(follow, name, 0.01)
    yield server
    end()


def run_workflow(
    options: dict[str, Any] | None = None,
    *,
    during: Callable[[asyncio.Event], None] | None = None,
    stopped: bool = False,
    **values: Any,
) -> tuple[Outcome, str]:
    """Run a GitHub job to its end: the outcome and the log. `during` runs beside it and may set the stop."""
    log: list[str] = []

    async def main() -> Outcome:
        runner = RUNNERS["github_actions"]
        assert isinstance(runner, IORunner)
        cancelled = asyncio.Event()
        if stopped:
            cancelled.set()
        loop = asyncio.get_running_loop()
        spec = spec_for("github_actions", {**OPTIONS, **(options or {})}, **values)
        running = asyncio.create_task(runner.run(Context(spec, cancelled, log.append)))
        if during:
            await loop.run_in_executor(None, during, cancelled)
        return await running

    return asyncio.run(main()), "".join(log)
