"""The programs of `manage.py up` are those of the Procfile, though they do not use Celery's own command line."""

from __future__ import annotations

import logging
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test.signals import template_rendered

from scheduler_site import celery_program
from scheduler_site.front import warm_up
from scheduler_site.running import programs

PROCFILE = (settings.BASE_DIR / "Procfile").read_text()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Celery's programs are asked for; they are not started."""
    asked: list[dict[str, Any]] = []

    def program(**options: Any) -> Any:
        asked.append(options)
        return SimpleNamespace(start=lambda: None, run=lambda: None, exitcode=7)

    monkeypatch.setattr(celery_program, "app", SimpleNamespace(Worker=program, Beat=program))
    return asked


def run(monkeypatch: pytest.MonkeyPatch, program: programs.Program) -> int:
    assert program.argv[:2] == (sys.executable, "-m")
    monkeypatch.setattr(sys, "argv", list(program.argv[2:]))
    return celery_program.main()


@pytest.mark.parametrize("pool", programs.pools(), ids=lambda pool: pool.queue)
def test_a_worker_is_started_like_that_of_the_procfile(
    monkeypatch: pytest.MonkeyPatch, started: list[dict[str, Any]], pool: programs.Pool
) -> None:
    line = next(line for line in PROCFILE.splitlines() if line.startswith(f"worker_{pool.queue}: "))
    assert run(monkeypatch, programs.worker(pool)) == 7, "its status is that of the worker"
    (options,) = started
    assert f"--queues {pool.queue} --hostname {pool.queue}@%h --pool threads" in line
    assert options["queues"] == [pool.queue]
    assert options["hostname"] == f"{pool.queue}@{socket.gethostname()}", "what %h stands for"
    assert options["pool_cls"] == "threads"
    assert f"--concurrency {options['concurrency']} " in line
    switches = {
        name.replace("_", "-") for name, value in options.items() if value is True and name != "quiet"
    }
    assert {word.removeprefix("--") for word in line.split() if word.startswith("--without")} == switches
    assert f"--loglevel {logging.getLevelName(options['loglevel'])} " in line


def test_the_beat_is_started_like_that_of_the_procfile(
    monkeypatch: pytest.MonkeyPatch, started: list[dict[str, Any]]
) -> None:
    line = next(line for line in PROCFILE.splitlines() if line.startswith("beat: "))
    assert run(monkeypatch, programs.beat()) == 0
    assert f"--loglevel WARNING --max-interval {started[0]['max_interval']} --pidfile=" in f"{line} "
    assert started[0]["loglevel"] == logging.WARNING
    assert started[0]["pidfile"] is None


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """In the place of scheduler_site/wsgi.py, which closes its process off from others when it is imported."""
    entry = SimpleNamespace(application=WSGIHandler())
    monkeypatch.setitem(sys.modules, "scheduler_site.wsgi", entry)
    return entry


@pytest.mark.django_db
@pytest.mark.parametrize("redirect", [True, False])
def test_a_page_is_rendered_before_the_web_processes_are_forked(
    settings: Any, monkeypatch: pytest.MonkeyPatch, site: SimpleNamespace, redirect: bool
) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = [".belfry.example"], redirect
    rendered, closed = [], []

    def note(template: Any, **_: Any) -> None:
        rendered.append(template.name)

    template_rendered.connect(note)
    monkeypatch.setattr(warm_up, "connections", SimpleNamespace(close_all=lambda: closed.append(True)))
    warm_up.warm_up()
    assert "base.html" in rendered, "the frame of all pages"
    assert closed, "no connection crosses a fork"


def test_a_page_that_cannot_be_rendered_keeps_nobody_from_starting(
    site: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("away")

    site.application = fail
    with caplog.at_level(logging.INFO):
        warm_up.warm_up()
    assert "away" in str(caplog.records[-1].__dict__)
