"""The settings of Slack: for administrators; the URL is a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from audit.models import Entry
from conftest import Api
from jobs.tests.pages import browser
from notifications.models import SlackSettings
from notifications.tests.conftest import Slack

pytestmark = pytest.mark.django_db

API, PAGE = "/api/v2/settings/slack", "/settings/slack"
URL = "https://hooks.slack.com/services/T0/B0/canary-4711"
SHOWN = "https://hooks.slack.com/********"


def put(api: Api, user: User, **body: Any) -> Any:
    return api(user).put(API, body, format="json")


def test_the_first_read_makes_the_row_switched_off(api: Api, ada: User) -> None:
    found = api(ada).get(API).json()["slack_settings"]
    assert set(found) == {"id", "is_enabled", "webhook_url", "channel", "created_at", "updated_at"}
    assert (found["is_enabled"], found["webhook_url"], found["channel"]) == (False, None, None)


def test_the_url_is_written_but_never_shown(api: Api, ada: User) -> None:
    answer = put(api, ada, is_enabled=True, webhook_url=f" {URL} ", channel=" #ops ")
    assert answer.json()["message"] == "Slack settings updated"
    found = answer.json()["slack_settings"]
    assert (found["is_enabled"], found["webhook_url"], found["channel"]) == (True, SHOWN, "#ops")
    assert SlackSettings.load().webhook_url == URL
    seen = answer.content + api(ada).get(API).content + browser(ada).get(PAGE).content
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM notifications_slacksettings")
        stored = str(cursor.fetchall())
    trail = json.dumps([entry.changes for entry in Entry.objects.filter(object_type="slacksettings")])
    assert "canary" not in seen.decode() + stored + trail
    assert "webhook_url" in trail


def test_what_was_shown_can_be_sent_back(api: Api, ada: User) -> None:
    put(api, ada, is_enabled=True, webhook_url=URL)
    put(api, ada, webhook_url=SHOWN, channel="#other")
    assert (SlackSettings.load().webhook_url, SlackSettings.load().channel) == (URL, "#other")
    form = {"is_enabled": "on", "webhook_url": SHOWN, "channel": ""}
    assert browser(ada).post(PAGE, form).status_code == 302
    assert (SlackSettings.load().webhook_url, SlackSettings.load().channel) == (URL, "")
    put(api, ada, is_enabled=False, webhook_url=None)
    assert SlackSettings.load().webhook_url == ""


def test_a_url_that_cannot_be_decrypted_survives_a_change_of_the_channel(
    api: Api, ada: User, settings: Settings
) -> None:
    put(api, ada, webhook_url=URL)
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["another"]
    assert put(api, ada, channel="#other").status_code == 200
    settings.ENCRYPTION_KEYS = keys
    assert (SlackSettings.load().webhook_url, SlackSettings.load().channel) == (URL, "#other")


@pytest.mark.parametrize(
    "body",
    [
        {"is_enabled": True},
        {"is_enabled": "yes"},
        {"webhook_url": "http://hooks.slack.com/services/x"},
        {"webhook_url": "https://[x/"},
        {"webhook_url": "hooks"},
        {"webhook_url": 5},
        {"channel": "x" * 101},
        {"is_enabled": True, "channel": "#new", "webhook_url": ""},
    ],
)
def test_settings_that_cannot_work_are_refused_and_change_nothing(
    api: Api, ada: User, body: dict[str, Any]
) -> None:
    answer = put(api, ada, **body)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid settings")
    stored = SlackSettings.load()
    assert (stored.is_enabled, stored.webhook_url, stored.channel) == (False, "", "")


@pytest.mark.parametrize("path", [PAGE, "/alerts"])
def test_only_admins_see_the_pages_of_alerts(path: str, ada: User, uma: User, vic: User) -> None:
    assert browser(ada).get(path).status_code == 200
    assert browser(uma).get(path).status_code == browser(vic).get(path).status_code == 403
    assert browser().get(path).status_code == 302


def test_only_admins_may_read_or_change_them(api: Api, uma: User) -> None:
    for answer in (api(uma).get(API), put(api, uma, is_enabled=False), api(uma).post(f"{API}/test")):
        assert (answer.status_code, answer.json()) == (403, {"detail": "Admin access required"})
    assert browser(uma).post(PAGE, {"is_enabled": ""}).status_code == 403
    assert browser(uma).post("/settings/slack/test").status_code == 403


def test_a_page_says_why_a_url_is_refused(ada: User) -> None:
    page = browser(ada).post(PAGE, {"is_enabled": "on", "webhook_url": "http://inner.example/x"})
    assert "The webhook must be an https URL." in page.content.decode()
    assert SlackSettings.load().is_enabled is False


def test_a_test_message_is_sent_at_once_and_its_failure_told(api: Api, ada: User, slack: Slack) -> None:
    SlackSettings.objects.update(is_enabled=False)
    page = browser(ada).post("/settings/slack/test", follow=True)
    assert "has been delivered" in page.content.decode()
    assert "test message" in json.loads(slack.bodies[0])["text"]
    slack.answer(500)
    page = browser(ada).post("/settings/slack/test", follow=True)
    assert "Slack answered 500" in page.content.decode()
    answer = api(ada).post(f"{API}/test")
    assert (answer.status_code, answer.json()) == (
        502,
        {"error": "Not delivered", "message": "Slack answered 500"},
    )
