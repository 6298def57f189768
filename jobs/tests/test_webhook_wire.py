"""What is typed is what is sent: the URL, the headers and the body of a webhook, byte for byte, read off the wire."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.models import User
from conftest import Api
from jobs.models import Job
from jobs.runners import RUNNERS, Context, IORunner, Outcome
from jobs.runners.addresses import parse_url
from jobs.runners.webhook.request import build
from jobs.tests.factories import make_job
from jobs.tests.forms import as_sent
from jobs.tests.pages import browser
from jobs.tests.running import spec_for

FEW = examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
SIGNS = [
    *"aZ09 %\"'<>&;={}[]#,+\\/?:@!$()*~|^`-_.",
    "%2F",
    "%2f",
    "%C3%A9",
    "%",
    "\n",
    "\r\n",
    "\t",
    "\u2028",
    "é",
    "任",
]
odd = st.lists(st.sampled_from(SIGNS), max_size=10).map("".join)
# In a URL what is typed as such; a fragment is not sent, and a blank or a line end is none of it.
in_query = st.lists(
    st.sampled_from([s for s in SIGNS if s.isascii() and not s.isspace() and s not in "#%"]),
    max_size=10,
)
one_line = odd.map(lambda text: re.sub(r"[\r\n\t]", "", text).strip())


class Wire(threading.Thread):
    """A server of sockets: it keeps what comes in, unread by any library, and answers `200 ok`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.requests: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                one, _address = self.socket.accept()
            except OSError:
                return
            with one:
                self.requests.append(self._read(one))
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def _read(self, one: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += one.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        while len(body) < int(length[1] if length else 0):
            body += one.recv(65536)
        return head + b"\r\n\r\n" + body


@pytest.fixture
def wire(settings: Settings) -> Iterator[Wire]:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    server = Wire()
    server.start()
    yield server
    server.socket.close()


def sent(wire: Wire, options: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """The target of the request line, the headers and the body of the one request that a run makes."""

    async def main() -> Outcome:
        runner = RUNNERS["webhook"]
        assert isinstance(runner, IORunner)
        return await runner.run(Context(spec_for("webhook", options), asyncio.Event(), lambda _text: None))

    before = len(wire.requests)
    outcome = asyncio.run(main())
    assert outcome.state == "success", outcome
    (raw,) = wire.requests[before:]
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    pairs = (header.partition(": ")[::2] for header in headers)
    return line.split(" ")[1], {name.lower(): value for name, value in pairs}, body


def stored(user: User, wire: Wire, **options: Any) -> dict[str, Any]:
    """The options of a job that is made of them by the form of all surfaces."""
    Job.objects.all().delete()
    url = options.pop("target_url", f"http://127.0.0.1:{wire.port}/")
    return dict(make_job(user, options={"target_url": url, **options}).options)


@FEW
@given(path=in_query, query=in_query)
@example(path=list("a%2Fb%2fc"), query=list("q=%E4%BB%BB&r=a+b&s='x'&t=\"y\"&u=%25"))
def test_a_url(uma: User, wire: Wire, path: list[str], query: list[str]) -> None:
    typed = f"/{''.join(path).replace('?', '').lstrip('/')}?{''.join(query)}"
    target, _headers, _body = sent(wire, stored(uma, wire, target_url=f"http://127.0.0.1:{wire.port}{typed}"))
    assert target == typed


def test_an_empty_query_stays_one(uma: User, wire: Wire) -> None:
    url = f"http://127.0.0.1:{wire.port}"
    for typed, wanted in (("/a?", "/a?"), ("?", "/?"), ("/a?#b", "/a?"), ("/a#b?", "/a")):
        assert sent(wire, stored(uma, wire, target_url=url + typed))[0] == wanted


def test_what_a_secret_adds_to_an_empty_query_is_all_of_it() -> None:
    spec = spec_for("webhook", {}, secrets={"query": '{"key": "1"}'})
    request = build(spec, parse_url("https://example.com/a?"), agent="", now=0)
    assert request.url.raw_path_qs == "/a?key=1"


@FEW
@given(body=odd.filter(bool))
@example(body='{ "a" : 1.0,\r\n  "b":"\\u00e9" }\n')
@example(body="a=1&b=%20+")
def test_a_body(uma: User, wire: Wire, body: str) -> None:
    _target, headers, raw = sent(wire, stored(uma, wire, body=body))
    assert raw == body.encode()
    assert headers["content-length"] == str(len(body.encode()))


@FEW
@given(value=one_line)
def test_the_value_of_a_header(uma: User, wire: Wire, value: str) -> None:
    _target, headers, _body = sent(wire, stored(uma, wire, headers={"X-Typed": value}))
    assert headers["x-typed"] == value


@pytest.mark.parametrize(
    "body",
    ['{"a":1,  "b":[1.0,1e3]}', "a\nb\n", " leading and trailing \n", '"quoted"', "a=%2F&b=+", "<é>任</é>"],
)
def test_a_body_that_is_typed_on_a_page_or_sent_to_the_api(
    uma: User, api: Api, wire: Wire, body: str
) -> None:
    url = f"http://127.0.0.1:{wire.port}/a%2Fb?c='d'"
    values = {"name": "by api", "cron_expression": "0 2 * * *", "options": {"target_url": url, "body": body}}
    assert api(uma).post("/api/v2/jobs", values, format="json").status_code == 201
    assert sent(wire, Job.objects.get(name="by api").options)[2] == body.encode()
    page: Client = browser(uma)
    form = as_sent(page.get("/jobs/new?kind=webhook").content.decode(), "schedule_kind")
    # A browser ends lines with CR LF, whatever was typed.
    typed = {"name": "by page", "expression": "0 2 * * *", "options-target_url": url}
    form.update(typed | {"options-body": body.replace("\n", "\r\n"), "options-headers": "X-A: b:c = 'd'"})
    answer = page.post("/jobs/new", {**dict(form.lists()), **{name: form[name] for name in typed}})
    assert answer.status_code == 302, answer.context["form"].errors
    target, headers, raw = sent(wire, Job.objects.get(name="by page").options)
    assert (target, headers["x-a"], raw) == ("/a%2Fb?c='d'", "b:c = 'd'", body.encode())


def test_a_json_body_is_sent_as_json_and_stays_so_when_its_page_is_saved(uma: User, wire: Wire) -> None:
    body = {"é": [1.0, None], "b": "x\r\ny"}
    options = stored(uma, wire, body=body)
    first = sent(wire, options)[2]
    assert json.loads(first) == body
    job, page = Job.objects.get(), browser(uma)
    path = f"/jobs/{job.uid}/edit"
    page.post(path, dict(as_sent(page.get(path).content.decode(), "schedule_kind").lists()))
    assert sent(wire, Job.objects.get().options)[2] == first


@pytest.mark.parametrize("body", [[], {}, 0, False])
def test_a_json_body_that_says_little_is_sent_and_stays(uma: User, api: Api, wire: Wire, body: Any) -> None:
    assert sent(wire, stored(uma, wire, body=body))[2] == json.dumps(body).encode()
    job, page = Job.objects.get(), browser(uma)
    path = f"/jobs/{job.uid}/edit"
    page.post(path, dict(as_sent(page.get(path).content.decode(), "schedule_kind").lists()))
    assert Job.objects.get().options == job.options
    assert api(uma).get(f"/api/v2/jobs/{job.uid}").json()["job"]["options"]["body"] == body


def test_headers_that_are_typed_twice_are_refused(uma: User) -> None:
    page = browser(uma)
    form = as_sent(page.get("/jobs/new?kind=webhook").content.decode(), "schedule_kind")
    form["options-headers"] = "X-A: 1\r\nx-a: 2"
    answer = page.post("/jobs/new", dict(form.lists()))
    assert "The header “x-a” is given twice." in answer.content.decode()
