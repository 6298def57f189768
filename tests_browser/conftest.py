"""Headless Chromium against a server of ours; every page is watched for complaints and for requests to elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from conftest import PASSWORD
from tests_browser.ways import WAYS, Hand

# Playwright's loop runs in the thread of the tests, in which Django would refuse to use the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
os.environ["DJANGO_LIVE_TEST_SERVER_ADDRESS"] = "127.0.0.1"

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
USUAL = {"javascript": True, "width": 1280, "dark": False, "latency": 0, "keys": False}
PATIENCE = 30_000  # milliseconds; an upper limit for slow machines, not a measure


@dataclass
class Visitor:
    """A page with an account behind it, and everything that went wrong on it."""

    page: Page
    server: str
    hand: Hand
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def open(self, path: str) -> None:
        self.page.goto(self.server + path)

    def log_in(self, user: User) -> None:
        self.open("/login")
        self.page.fill("[name=username]", user.username)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form.form button")
        self.page.wait_for_url(f"{self.server}/")

    def _heard(self, message: ConsoleMessage) -> None:
        # htmx reports live parts that were under way when the reader went on to another page.
        left = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not left:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.server, "data:", "blob:")):
            self.complaints.append(f"asked {request.url}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, live_server: LiveServer) -> Iterator[Visit]:
    """`visit(user, way, javascript=..., width=..., dark=..., zone=..., latency=..., keys=...)` is a logged-in visitor, whose
    network answers after `latency` milliseconds; `way` is a letter of ways.py. Complaints fail the test at its end."""
    visitors: list[Visitor] = []

    def come(user: User | None = None, way: str = "", *, zone: str | None = None, **manner: Any) -> Visitor:
        manner = USUAL | WAYS[way] | manner
        context = chromium.new_context(
            java_script_enabled=manner["javascript"],
            viewport={"width": manner["width"], "height": 900},
            color_scheme="dark" if manner["dark"] else "light",
            timezone_id=zone,
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        visitor = Visitor(page, live_server.url, Hand(page, keys=manner["keys"]))
        visitor.watch()
        visitors.append(visitor)
        if user is not None:
            visitor.log_in(user)
        if manner["latency"]:
            slow = {
                "offline": False,
                "latency": manner["latency"],
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            }
            context.new_cdp_session(visitor.page).send("Network.emulateNetworkConditions", slow)
        return visitor

    yield come
    for visitor in visitors:
        visitor.page.context.close()
    assert [visitor.complaints for visitor in visitors if visitor.complaints] == []
