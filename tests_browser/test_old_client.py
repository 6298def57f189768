"""A page that calls `/api/v1` as the pages of ndscheduler do, served from elsewhere, with the API behind a proxy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from conftest import PASSWORD
from executions.ledger import launch
from jobs.models import Job
from tests_browser.conftest import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FOLDER = Path(__file__).with_name("old_client")


class Proxy(SimpleHTTPRequestHandler):
    """The page's files; whatever is below /api goes to Belfry, as with any web server in front of it."""

    def __init__(self, *args: Any, behind: str, **options: Any) -> None:
        self.behind = behind
        super().__init__(*args, directory=str(FOLDER), **options)

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            self.pass_on()
        else:
            super().do_GET()

    def pass_on(self) -> None:
        upstream = HTTPConnection(self.behind, timeout=30)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = pass_on  # noqa: N815 - http.server's names

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setattr(launch, "publish", lambda _runs: True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Proxy, behind=urlsplit(live_server.url).netloc))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    found = context.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.goto(f"http://127.0.0.1:{server.server_address[1]}/index.html")
    yield found
    context.close()
    server.shutdown()
    server.server_close()
    assert [text for text in complaints if "logged out" not in text] == []


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.fill("#login [name=username]", name)
    page.fill("#login [name=password]", password)
    page.click("#login button")


def save(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"#job [name={name}]", value)
    page.click("#job button")


def test_a_job_is_added_edited_paused_resumed_run_and_deleted(page: Page, ada: User) -> None:
    log_in(page, "ada", "wrong")
    page.wait_for_selector("#refusal >> text=Invalid username or password")
    log_in(page, "ada")
    page.wait_for_selector("#who >> text=ada admin")
    everything = {"month": "*", "day": "*", "day_of_week": "*", "hour": "*"}
    save(page, name="任務", pub_args='["a", "b"]', minute="*/5", **everything)
    page.wait_for_selector("#jobs >> text=任務 | * | * | * | * | */5 | active")
    page.click("#jobs >> text=Edit")
    page.fill("#job [name=hour]", "99")
    page.click("#job button")
    page.wait_for_selector("#error >> text=Invalid hour")
    save(page, hour="9", day="1st mon,last")
    page.wait_for_selector("#jobs >> text=任務 | * | 1st mon,last | * | 9 | */5 | active")
    page.click("#jobs >> text=Pause")
    page.wait_for_selector("#jobs >> text=inactive")
    page.click("#jobs >> text=Resume")
    page.wait_for_selector("#jobs >> text=*/5 | active")
    page.click("#jobs >> text=Run")
    page.wait_for_selector("#executions >> text=任務 scheduled")
    page.click("#jobs >> text=Delete")
    page.wait_for_selector("#executions >> text=(deleted) scheduled")
    page.wait_for_selector("#logs >> text=ada deleted 任務")
    logs = page.locator("#logs li").all_inner_texts()
    events = ["deleted", "custom_run", "resumed", "paused", "modified", "added"]
    assert [text.split() for text in logs] == [["ada", event, "任務"] for event in events]
    assert not Job.objects.exists()


def test_accounts_and_categories_are_kept_and_a_login_is_remembered(page: Page, ada: User) -> None:
    log_in(page, "ada")
    page.fill("#category [name=name]", "系統管理")
    page.click("#category button")
    page.wait_for_selector("#categories >> text=系統管理")
    page.fill("#user [name=username]", "wendy")
    page.fill("#user [name=password]", "secret")
    page.select_option("#user [name=category_id]", label="系統管理")
    page.click("#user button")
    page.wait_for_selector("#users >> text=wendy")
    wendy = User.objects.get(username="wendy")
    assert (wendy.role, wendy.category and wendy.category.name) == ("viewer", "系統管理")
    page.click("#users li:has-text('wendy') >> text=Promote")
    page.wait_for_selector("#users li:has-text('wendy') >> text=true")
    page.reload()
    page.wait_for_selector("#who >> text=ada admin")
    page.click("#logout")
    page.wait_for_selector("#who >> text=nobody")
    log_in(page, "wendy", "secret")
    page.wait_for_selector("#who >> text=wendy user")
    page.wait_for_selector("#categories >> text=系統管理")


def test_an_account_that_is_gone_is_led_back_to_the_login(page: Page, ada: User, uma: User) -> None:
    log_in(page, "uma")
    page.wait_for_selector("#who >> text=uma user")
    page.wait_for_selector("#categories li")
    User.objects.filter(pk=uma.pk).update(is_active=False)
    page.reload()
    page.wait_for_selector("#who >> text=nobody")
    assert page.is_visible("#login")
