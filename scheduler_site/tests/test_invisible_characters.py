"""Signs that nobody sees: refused in names, left out of mails, written out in logs."""

from __future__ import annotations

import io
import json
import logging
import os

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Category, Team, User
from accounts.pages.tokens import TokenForm
from compat.ndscheduler import tokens
from compat.ndscheduler.identifiers import Numbers
from jobs.models import Job
from notifications.messages import one_line
from scheduler_site.lib.logs import JsonFormatter, LineFormatter
from scheduler_site.lib.text import inert_line, unseen
from scheduler_site.running.console import Console

BAD = [
    "\u2028",
    "\u2029",
    "\u202e",
    "\u202a",
    "\u2066",
    "\u200b",
    "\u200e",
    "\ufeff",
    "\u00ad",
    "\x1b",
    "\x9b",
    "\U000e0041",
]
FINE = [
    "plain",
    "Zürich",
    "每日備份",
    "バックアップ",
    "👩\u200d💻",
    "می\u200cخواهم",
    "क्\u200dष",
    "naïve – “x”",
]


@pytest.mark.django_db
@pytest.mark.parametrize("sign", BAD)
def test_a_name_with_such_a_sign_is_refused_by_its_number(ada: User, sign: str) -> None:
    api = APIClient()
    api.force_authenticate(ada)
    body = {"cron_expression": "0 3 * * *", "target_url": "https://example.com/x"}
    answer = api.post("/api/v2/jobs", body | {"name": f"back{sign}up"}, format="json")
    assert answer.status_code == 400
    assert unseen(sign) in answer.json()["message"] or "control characters" in answer.json()["message"]
    text = api.post("/api/v2/jobs", body | {"name": "backup", "description": f"a\n{sign}b"}, format="json")
    assert text.status_code == 400
    assert api.post("/api/v2/job-categories", {"name": f"Te{sign}am"}, format="json").status_code == 400
    assert not Job.objects.exists()
    assert not Category.objects.filter(name__contains=sign).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("sign", BAD)
def test_categories_and_teams_have_none_in_any_text_on_any_surface(ada: User, sign: str) -> None:
    api, page = APIClient(), Client()
    api.force_authenticate(ada)
    page.force_login(ada)
    named = unseen(sign)
    team = api.post("/api/v2/pic-teams", {"name": "Night", "slack_handle": f"@n{sign}s"}, format="json")
    assert (team.status_code, team.json()["error"]) == (400, "Invalid slack_handle")
    for path in ("/people/categories/new", "/admin/accounts/category/add/"):
        body = {"name": "Night", "slug": "night", "description": f"a\r\n{sign}b", "is_active": "on"}
        assert named in page.post(path, body).content.decode()
    token = tokens.issue(ada, Numbers().of(None))
    body = {"name": "Night", "description": f"a{sign}b"}
    headers = {"Authorization": f"Bearer {token}"}
    told = Client().post("/api/v1/categories", body, "application/json", headers=headers)
    assert told.status_code == 400
    assert named in told.json()["error"]
    assert not Category.objects.filter(slug="night").exists()
    assert not Team.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("sign", BAD)
def test_names_of_tokens_may_not_have_one_either(ada: User, sign: str) -> None:
    api = APIClient()
    api.force_authenticate(ada)
    answer = api.post("/api/v2/auth/tokens", {"name": f"de{sign}ploy"}, format="json")
    assert answer.status_code == 400
    assert unseen(sign) in answer.json()["message"]
    form = TokenForm({"name": f"de{sign}ploy"})
    assert unseen(sign) in str(form.errors["name"])


@pytest.mark.parametrize("text", FINE)
def test_what_languages_and_emoji_need_stays(text: str) -> None:
    assert unseen(text) == ""
    assert inert_line(text) == text
    assert one_line(text) == text


@pytest.mark.parametrize("sign", BAD)
def test_mails_leave_it_out(sign: str) -> None:
    assert sign not in one_line(f"back{sign}up")


@pytest.mark.parametrize("sign", BAD)
def test_logs_write_it_out(sign: str) -> None:
    record = logging.makeLogRecord({"msg": "job_made", "levelname": "INFO", "job": f"back{sign}[31mup"})
    for formatter in (LineFormatter(), JsonFormatter()):
        line = formatter.format(record)
        assert sign not in line
        assert line.isprintable()
    assert (
        json.loads(JsonFormatter().format(logging.makeLogRecord({"msg": "é 日本 👩"})))["event"]
        == "é 日本 👩"
    )


def test_the_console_passes_no_colours_on() -> None:
    stream = io.StringIO()
    console = Console(stream)
    reading, writing = os.pipe()
    os.write(writing, b"\x1b[2J\x1b[31mred\x1b[0m\n")
    os.close(writing)
    console._follow("web", os.fdopen(reading, "rb"))
    console.close()
    assert "\x1b" not in stream.getvalue()
    assert "red" in stream.getvalue()
