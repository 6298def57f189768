"""What is sent of a page: compressed, and with the examples and their history no more than 60 KB with all its files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse

from accounts.models import User
from executions.demo import verbs as demo
from executions.models import Execution, State
from jobs.models import Job
from jobs.tests.pages import browser
from scheduler_site.static_files import QuickCompressor

pytestmark = pytest.mark.django_db
MOST = 60_000


def asked(user: User, path: str) -> HttpResponse:
    return browser(user).get(path, headers={"accept-encoding": "gzip"})  # type: ignore[return-value]


def files_of(page: str) -> list[Path]:
    """The scripts, styles and pictures that a page names, once each."""
    named = set(re.findall(rf'(?:src|href)="{settings.STATIC_URL}([^"#?]+)', page))
    return [Path(str(found)) for name in named if (found := finders.find(name))]


def sent(path: Path) -> int:
    """Bytes of a file as it is served."""
    return len(QuickCompressor.compress_brotli(path.read_bytes()))


def test_no_page_is_larger_than_60_kb(ada: User) -> None:
    demo.make(ada)
    job = Job.objects.order_by("-pk")[0]
    run = Execution.objects.filter(state=State.FAILED).order_by("-pk")[0]
    paths = [
        "/",
        "/jobs",
        "/executions",
        "/audit",
        "/people",
        "/profile",
        "/help/security",
        f"/executions/{run.uid}",
    ]
    paths += [f"/jobs/{job.uid}", f"/jobs/{job.uid}/edit"]
    sizes = {}
    for path in paths:
        answer = asked(ada, path)
        assert answer.headers["Content-Encoding"] == "gzip"
        page = gzip.decompress(answer.content).decode()
        sizes[path] = len(answer.content) + sum(sent(path) for path in files_of(page))
    assert {path: size for path, size in sizes.items() if size > MOST} == {}


def test_streams_and_the_api_are_sent_as_they_were(ada: User) -> None:
    demo.make(ada)
    run = Execution.objects.filter(state=State.FAILED).order_by("-pk")[0]
    for path in (f"/executions/{run.uid}/log", "/api/v2/jobs", "/audit/csv"):
        assert "Content-Encoding" not in asked(ada, path).headers


def test_who_takes_no_gzip_gets_the_page_as_it_is(ada: User) -> None:
    answer = browser(ada).get("/jobs")
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]
