"""A request for a host that is not ours is refused, and costs the log one line."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings
from django.test import Client

from scheduler_site.lib.logs import LineFormatter, configured


def test_a_wrong_host_is_a_400_and_one_line_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("django.security.DisallowedHost")
    said = settings.LOGGING["loggers"]["django.security.DisallowedHost"]
    assert said == configured("INFO", "line")["loggers"]["django.security.DisallowedHost"]
    with caplog.at_level("ERROR", logger.name):
        assert client.get("/login", HTTP_HOST="evil.example.com").status_code == 400
    lines = [LineFormatter().format(record) for record in caplog.records if record.name == logger.name]
    assert len(lines) == 1
    assert "evil.example.com" in lines[0]
    assert "Traceback" not in lines[0]
