"""Below another site's root, everything that Belfry says of its own addresses begins with BASE_PATH."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from django.conf import LazySettings
from django.conf import settings as belfry
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from accounts.models import User
from conftest import PASSWORD
from jobs.models import Job
from jobs.tests.factories import make_job
from scheduler_site.lib.base_path import below

BASE = "/belfry"
NAMES = (
    *("BASE_PATH", "FORCE_SCRIPT_NAME", "STATIC_URL", "LOGIN_URL", "LOGIN_REDIRECT_URL"),
    *("LOGOUT_REDIRECT_URL", "SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH", "LANGUAGE_COOKIE_PATH"),
    *("FRONTEND_BASE_URL", "SECURE_REDIRECT_EXEMPT"),
)
ADDRESS = re.compile(r'(?:href|src|action|hx-(?:get|post)|data-document|data-home)="([^"#]*)')


def derived(base: str) -> subprocess.CompletedProcess[str]:
    """What the settings make of BASE_PATH, as Python writes it."""
    code = f"from django.conf import settings as s; print({{n: getattr(s, n) for n in {NAMES}}})"
    environment = {"BASE_PATH": base, "DJANGO_SETTINGS_MODULE": "scheduler_site.settings"}
    return subprocess.run(
        (sys.executable, "-c", code),
        env=os.environ | environment,
        cwd=belfry.BASE_DIR,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    found: dict[str, Any] = eval(derived(BASE).stdout)
    return found


@pytest.fixture
def _below(values: dict[str, Any], settings: LazySettings) -> Iterator[None]:
    for name, value in values.items():
        setattr(settings, name, value)
    set_script_prefix(f"{BASE}/")
    yield
    clear_script_prefix()


@pytest.fixture
def job(ada: User) -> Job:
    return make_job(ada)


PAGES = (
    *("/", "/jobs", "/jobs/new", "/executions", "/notifications", "/audit", "/environments", "/password"),
    *("/admin/", "/docs", "/redoc", "/nothing", "/themes-of-nobody"),
)


@pytest.mark.usefixtures("_below", "job")
def test_every_address_on_a_page_is_below_it(client: Client, ada: User) -> None:
    client.force_login(ada)
    looked_at = 0
    for page in PAGES:
        html = client.get(page, follow=False).content.decode()
        for address in ADDRESS.findall(html):
            if address and not address.startswith(("http", "data:", "mailto:")):
                assert (urljoin(BASE + page, address) + "/").startswith(f"{BASE}/"), (page, address)
                looked_at += 1
    assert looked_at > 200


@pytest.mark.usefixtures("_below")
def test_a_login_leads_back_below_it_and_its_cookies_are_sent_to_nobody_else(
    client: Client, ada: User
) -> None:
    answer = client.get("/jobs")
    assert (answer.status_code, answer["Location"]) == (302, f"{BASE}/login?next={BASE}/jobs")
    answer = client.post("/login", {"username": "ada", "password": PASSWORD, "next": f"{BASE}/jobs"})
    assert (answer.status_code, answer["Location"]) == (302, f"{BASE}/jobs")
    assert {cookie["path"] for cookie in answer.cookies.values()} == {BASE}
    assert client.post("/logout")["Location"].startswith(f"{BASE}/login")


@pytest.mark.usefixtures("_below", "db")
def test_the_api_names_its_pages_below_it(client: Client) -> None:
    assert client.get("/api/v2/health").json()["docs_url"] == f"{BASE}/docs"
    root = client.get("/api/v2").json()
    assert {root["docs"], root["redoc"], root["health"]} == {
        f"{BASE}/docs",
        f"{BASE}/redoc",
        f"{BASE}/api/v2/health",
    }


@pytest.mark.usefixtures("_below", "db")
def test_probes_are_not_led_to_https(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/healthz", "/api/health", "/api/v2/health"):
        assert client.get(path).status_code != 301
    assert client.get("/login")["Location"] == f"https://testserver{BASE}/login"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("/belfry/jobs", "/jobs"),
        ("/belfry/", "/"),
        ("/belfry", "/"),
        ("/jobs", "/jobs"),  # the proxy has taken it away
        ("/belfryjobs", "/belfryjobs"),
        ("/jobs/belfry/", "/jobs/belfry/"),
    ],
)
def test_the_beginning_of_a_path_is_taken_away_once(sent: str, told: str) -> None:
    def application(environ: dict[str, Any], _start: Callable[..., Any]) -> list[bytes]:
        return [environ["PATH_INFO"].encode()]

    assert below(application, BASE)({"PATH_INFO": sent}, lambda: None) == [told.encode()]


@pytest.mark.parametrize("base", ["belfry", "/a b", "//host", "/a/../b", "https://x/y", "/caf\u00e9", "/a?b"])
def test_what_is_no_path_stops_the_start(base: str) -> None:
    done = derived(base)
    assert done.returncode
    assert "is no path. Example: /belfry." in done.stderr


def test_messages_link_to_below_it(values: dict[str, Any]) -> None:
    assert values["FRONTEND_BASE_URL"].endswith(BASE)
