"""A request for a host that is not ours, or with too much in it, is refused, and costs the log one line."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core import exceptions
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from scheduler_site.lib.logs import REFUSED, LineFormatter, configured


def lines_of(logger: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """As the log has them; the logger has the filter of the settings."""
    assert settings.LOGGING["loggers"][logger] == configured("INFO", "line")["loggers"][logger]
    return [LineFormatter().format(record) for record in caplog.records if record.name == logger]


def test_a_wrong_host_is_a_400_and_one_line_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("ERROR", "django.security.DisallowedHost"):
        assert client.get("/login", HTTP_HOST="evil.example.com").status_code == 400
    (line,) = lines_of("django.security.DisallowedHost", caplog)
    assert "evil.example.com" in line
    assert "Traceback" not in line


def test_the_page_about_a_wrong_host_says_what_to_set(client: Client) -> None:
    page = client.get("/login", HTTP_HOST="evil.example.com<script>").content.decode()
    assert "evil.example.com&lt;script&gt;" in page
    assert "ALLOWED_HOSTS" in page
    assert "ALLOWED_HOSTS" not in client.get("/login", HTTP_HOST="localhost").content.decode()


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/api/v2/jobs", ["message"]),
        ("/api/jobs", ["message"]),
        ("/api/v1/jobs", ["error", "message"]),
        ("/api/tasks", ["message"]),
    ],
)
def test_an_api_says_so_in_json(client: Client, path: str, way: list[str]) -> None:
    answer = client.get(path, HTTP_HOST="evil.example.com")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    said = answer.json()
    for key in way:
        said = said[key]
    assert said.startswith("The host evil.example.com is not known here.")
    assert "ALLOWED_HOSTS" in said


def test_too_many_fields_are_a_400_and_one_line_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    fields = {f"field-{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    with caplog.at_level("ERROR", "django.security.TooManyFieldsSent"):
        assert client.post("/login", fields).status_code == 400
    (line,) = lines_of("django.security.TooManyFieldsSent", caplog)
    assert "Traceback" not in line


def test_every_refusal_of_django_is_named() -> None:
    kinds: list[type[Exception]] = [SuspiciousOperation, *_below(SuspiciousOperation)]
    assert {kind.__name__ for kind in kinds if hasattr(exceptions, kind.__name__)} - set(REFUSED) == set()


def _below(kind: type[Exception]) -> list[type[Exception]]:
    return [below for one in kind.__subclasses__() for below in [one, *_below(one)]]
