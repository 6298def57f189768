"""The files of deploy/nginx in a real nginx, before a Belfry with the settings that they name; only ports and paths differ."""

from __future__ import annotations

import getpass
import http.client
import json
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings

from scheduler_site.tests import schema
from scheduler_site.tests.processes import end_all, eventually
from tests_acceptance.test_deploy import manage
from tests_acceptance.test_up import Belfry, free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
OPENSSL = shutil.which("openssl")
FILES = Path(settings.BASE_DIR) / "deploy" / "nginx"
PASSWORD = "correct horse battery"
AROUND = """
daemon off;
%(user)s
pid %(here)s/pid;
error_log %(here)s/error.log;
events {}
http {
    access_log off;
    client_body_temp_path %(here)s/body;
    proxy_temp_path %(here)s/proxy;
    fastcgi_temp_path %(here)s/fastcgi;
    uwsgi_temp_path %(here)s/uwsgi;
    scgi_temp_path %(here)s/scgi;
    %(inside)s
}
"""
# What the second file is put into: the server of the other site.
SITE = "server { listen 127.0.0.1:%d ssl; ssl_certificate %s; ssl_certificate_key %s; %s }"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not (NGINX and OPENSSL), reason="nginx or openssl is not installed"),
]


@dataclass(frozen=True)
class Proxied:
    """Where nginx listens, and Belfry's name and path behind it."""

    tls: int
    plain: int
    host: str
    base: str

    def ask(
        self, verb: str, path: str, body: str | None = None, *, tls: bool = True, **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        context = ssl._create_unverified_context()
        made = (
            http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=60, context=context)
            if tls
            else http.client.HTTPConnection("127.0.0.1", self.plain, timeout=60)
        )
        with closing(made) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(verb, self.base + path, body, {"Host": self.host, **named})
            answer = connection.getresponse()
            return answer, answer.read().decode()

    def token(self) -> str:
        said = {"username": "una", "password": PASSWORD}
        answer, text = self.ask(
            "POST", "/api/v2/auth/login", json.dumps(said), Content_Type="application/json"
        )
        assert answer.status == 200, text
        return str(json.loads(text)["access_token"])


@pytest.fixture(scope="module", params=["", "/belfry"], ids=["own host", "below a path"])
def site(request: pytest.FixtureRequest) -> Iterator[Proxied]:
    host = "www.example.com" if request.param else "belfry.example.com"
    with tempfile.TemporaryDirectory(prefix="belfry-nginx-", ignore_cleanup_errors=True) as name:
        schema.InFile().put(Path(name, "belfry.sqlite3"))
        belfry = Belfry(Path(name), **documented(host, request.param))
        try:
            belfry.wait_until_up()
            belfry.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
            manage(belfry, "createsuperuser", "--no-input", "--username", "una", "--email", "una@example.com")
            with nginx(Path(name, "nginx"), belfry.port, host, request.param) as proxied:
                yield proxied
        finally:
            belfry.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                belfry.process.wait(60)
            end_all(name)


def documented(host: str, base: str) -> dict[str, str]:
    """What the head of the file says of Belfry's settings; and 127.0.0.1, for the one who waits for its start."""
    head = (FILES / ("belfry-below-a-path.conf" if base else "belfry.conf")).read_text()
    named = dict(re.findall(r"^#   ([A-Z_]+)=(\S+)$", head, re.MULTILINE))
    assert (named["ALLOWED_HOSTS"], named.get("BASE_PATH", "")) == (host, base)
    named["ALLOWED_HOSTS"] += ",127.0.0.1"
    return named | {"DEPLOYMENT": "production", "SECRET_KEY": "of-the-acceptance-tests-" + "0123456789" * 4}


@contextmanager
def nginx(here: Path, port: int, host: str, base: str) -> Iterator[Proxied]:
    here.mkdir()
    site = Proxied(free_port(), free_port(), host, base)
    write(here, site, port)
    argv = [NGINX or "", "-p", str(here), "-c", str(here / "nginx.conf")]
    tried = subprocess.run([*argv, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with suppress(OSError):
            return site.ask("GET", "/healthz")[0].status == 200
        return False

    try:
        assert eventually(answers, 20), (here / "error.log").read_text()
        yield site
    finally:
        process.terminate()
        process.wait(20)


def write(here: Path, site: Proxied, port: int) -> None:
    """A certificate, and nginx.conf with the file of deploy/nginx in it."""
    certificate, key = here / "cert.pem", here / "key.pem"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={site.host}")
    argv = [OPENSSL or "", *new, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    places = {"127.0.0.1:8000": f"127.0.0.1:{port}"}
    if site.base:
        text = put((FILES / "belfry-below-a-path.conf").read_text(), places)
        text = SITE % (site.tls, certificate, key, text)
    else:
        places |= {
            "listen 80;": f"listen 127.0.0.1:{site.plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{site.tls} ssl http2;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "/etc/ssl/certs/belfry.pem": str(certificate),
            "/etc/ssl/private/belfry.key": str(key),
        }
        text = put((FILES / "belfry.conf").read_text(), places)
    user = "user root;" if getpass.getuser() == "root" else ""
    (here / "nginx.conf").write_text(AROUND % {"here": here, "user": user, "inside": text})


def put(text: str, places: dict[str, str]) -> str:
    for old, new in places.items():
        assert old in text, f"{old} is not in the file any more"
        text = text.replace(old, new)
    return text


def test_who_comes_without_tls_or_without_the_last_slash_is_led_there(site: Proxied) -> None:
    asked = ("", True) if site.base else ("/jobs", False)
    answer, _ = site.ask("GET", asked[0], tls=asked[1])
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{site.host}{'/belfry/' if site.base else '/jobs'}"


def test_belfry_knows_that_it_is_behind_tls(site: Proxied) -> None:
    answer, _ = site.ask("GET", "/login", X_Forwarded_Proto="http")
    assert (answer.status, answer.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert f"Path={site.base or '/'};" in cookie


def test_static_files_come_with_their_names_for_good(site: Proxied) -> None:
    _, page = site.ask("GET", "/login")
    (first, *_) = re.findall(rf'href="{site.base}(/static/\S+\.css)"', page)
    answer, text = site.ask("GET", first)
    assert (answer.status, "immutable" in answer.headers["Cache-Control"]) == (200, True)
    assert "{" in text


def test_a_form_that_is_sent_through_it_is_taken_and_one_of_another_site_is_not(site: Proxied) -> None:
    answer, page = site.ask("GET", "/login")
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    form = urlencode({"username": "una", "password": PASSWORD, "csrfmiddlewaretoken": found[1]})
    sent: dict[str, Any] = {
        "Cookie": answer.headers["Set-Cookie"].split(";")[0],
        "Content_Type": "application/x-www-form-urlencoded",
    }
    refused, _ = site.ask("POST", "/login", form, **sent, Origin="https://elsewhere.example.com")
    assert refused.status == 403
    taken, _ = site.ask("POST", "/login", form, **sent, Origin=f"https://{site.host}")
    assert (taken.status, taken.headers["Location"]) == (302, f"{site.base}/")


def test_the_address_of_a_client_is_nginx_s_word_not_the_client_s(site: Proxied) -> None:
    token = site.token()
    _, text = site.ask(
        "GET", "/api/v2/auth/sessions", Authorization=f"Bearer {token}", X_Forwarded_For="203.0.113.9"
    )
    assert {one["address"] for one in json.loads(text)["sessions"]} == {"127.0.0.1"}


def test_what_belfry_finds_too_large_belfry_refuses(site: Proxied) -> None:
    answer, text = site.ask(
        "POST",
        "/api/v2/jobs/bulk-upload",
        "x" * (settings.BULK_UPLOAD_MAX_BYTES + 1_000_000),
        Authorization=f"Bearer {site.token()}",
        Content_Type="multipart/form-data; boundary=x",
    )
    assert (answer.status, json.loads(text)["error"]) == (413, "Payload too large")


def test_who_waits_for_a_run_is_answered_when_it_ends(site: Proxied) -> None:
    headers: dict[str, Any] = {"Authorization": f"Bearer {site.token()}", "Content_Type": "application/json"}
    options = {"job_class": "jobs.classes.shell.ShellJob", "args": ["sleep", "3"]}
    job = {"name": "slow", "kind": "python_class", "cron_expression": "0 0 1 1 *", "options": options}
    answer, text = site.ask("POST", "/api/v2/jobs", json.dumps(job), **headers)
    assert answer.status == 201, text
    uid = json.loads(text)["job"]["id"]
    _, text = site.ask("POST", f"/api/v2/jobs/{uid}/execute", json.dumps({"wait": 50}), **headers)
    assert json.loads(text)["execution"]["state"] == "success", text
