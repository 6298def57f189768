"""Alerts in the language of whoever reads them. The catalogs are stood in for: each sentence says which language it is in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import get_language, override
from pytest_django import Settings

from accounts.models import Preferences, User
from audit.models import Entry
from conftest import Api
from executions.alerting import alert_texts, grouping
from executions.alerting.grouping import Event, Item
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from notifications import inbox, messages, texts
from notifications.channels import slack
from notifications.delivery.deliver import deliver_due
from notifications.models import Alert, Notification, SlackSettings
from notifications.texts import Lines, Text, from_json, to_json

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _catalogs(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(text: str) -> str:
        return text if get_language() == "en" else f"«{get_language()}» {text}"

    monkeypatch.setattr(texts, "gettext", said)
    monkeypatch.setattr(messages, "_", said)
    monkeypatch.setattr(slack, "_", said)


def speak(user: User, language: str) -> None:
    Preferences.objects.update_or_create(user=user, defaults={"language": language})


def late(*addresses: str) -> dict[str, Alert]:
    """Tells that a job is late; the alerts by their channel and first recipient."""
    job = make_job(
        name="sync", start_by=60, enable_email_notifications=True, notification_emails=list(addresses)
    )
    item = Item(job, Event.LATE, "one", alert_texts.late(job, NOW), "line")
    grouping.tell([item], "headline", "/jobs", NOW)
    found = Alert.objects.order_by("pk")
    return {alert.recipients[0] if alert.channel == "email" else alert.channel: alert for alert in found}


# Mail and Slack ------------------------------------------------------------------------------------------------------


def test_a_user_is_written_to_in_the_language_that_he_chose(ada: User, uma: User, vic: User) -> None:
    speak(uma, "ja")
    speak(vic, "zh-hant")
    assert uma.email
    assert vic.email
    told = late(uma.email.upper(), "ops@example.com", vic.email, ada.email or "")
    assert set(told) == {uma.email.upper(), "ops@example.com", vic.email, "inbox"}
    assert told["ops@example.com"].recipients == ["ops@example.com", ada.email]
    assert told["ops@example.com"].subject == "🟠 Job Late: sync"
    mail = told[uma.email.upper()]
    assert mail.subject == "«ja» 🟠 Job Late: sync"
    assert "«ja» Please review your job configuration" in mail.text
    assert "«ja» «ja» Job Name: sync" in mail.text
    assert '<html lang="ja">' in mail.html
    assert told[vic.email].subject == "«zh-hant» 🟠 Job Late: sync"


def test_everybody_else_is_written_to_in_the_language_of_the_installation(
    settings: Settings, uma: User
) -> None:
    settings.ALERT_LANGUAGE = "zh-hans"
    SlackSettings(is_enabled=True, secrets={"webhook_url": "https://hooks.slack.com/x"}).save()
    speak(uma, "en")
    told = late("ops@example.com", uma.email or "")
    assert told["ops@example.com"].subject == "«zh-hans» 🟠 Job Late: sync"
    assert "*«zh-hans» 🟠 Job Late: sync*" in told["slack"].text
    assert "|«zh-hans» Open in Belfry>" in told["slack"].text
    assert told[uma.email or ""].subject == "🟠 Job Late: sync"


def test_an_account_that_is_closed_has_no_say(uma: User) -> None:
    speak(uma, "ja")
    User.objects.filter(pk=uma.pk).update(is_active=False)
    assert late(uma.email or "")[uma.email or ""].subject == "🟠 Job Late: sync"


def test_the_language_of_whoever_causes_an_alert_does_not_matter() -> None:
    with override("ja"):
        told = late("ops@example.com")
    assert [alert.subject for alert in told.values()] == ["🟠 Job Late: sync", "Job Late"]


# The inbox -----------------------------------------------------------------------------------------------------------


def page(user: User, language: str) -> str:
    client: Client = browser(user)
    return client.get("/notifications", headers={"Accept-Language": language}).content.decode()


def test_an_item_is_read_in_the_language_of_the_page_and_in_english_by_machines(api: Api, ada: User) -> None:
    late()
    deliver_due(NOW)
    answer = api(ada).get("/api/v2/notifications", headers={"Accept-Language": "ja"})
    (item,) = [one for one in answer.json()["notifications"] if one["title"].startswith("Job Late")]
    assert item["title"] == "Job Late"
    assert item["message"].startswith(
        "Job 'sync'\nDue: 2026-03-01 19:00:00 Asia/Tokyo\nLate after: 60 seconds"
    )
    japanese = page(ada, "ja")
    assert "«ja» Job Late" in japanese
    assert "«ja» Job &#x27;sync&#x27;" in japanese
    assert "«ja» 60 seconds" in japanese
    assert "«zh-hans» Job Late" in page(ada, "zh-hans")
    assert "«" not in page(ada, "en")


def test_so_is_what_people_do_to_jobs(uma: User) -> None:
    make_job(uma, name="100 %(job)s <b>")
    with override("ja"):
        (item,) = Notification.objects.filter(user=uma)
        assert item.title == "New Job Created"
        assert item.message == f"Job '100 %(job)s <b>' was created by {uma.email}"
        assert item.said == {
            "title": "«ja» New Job Created",
            "message": f"«ja» Job '100 %(job)s <b>' was created by {uma.email}",
        }


@pytest.mark.parametrize("texts", [[], [1], {}, None, 5, ["a", {"text": "%(x)s"}], [{}, []]])
def test_an_item_without_such_texts_is_shown_as_it_is(vic: User, texts: Any) -> None:
    everybody = User.objects.filter(pk=vic.pk)
    inbox.tell(everybody, "plain", "and simple", Notification.Type.INFO)
    if texts is not None:
        Notification.objects.update(texts=texts)
    assert Notification.objects.get().said == {"title": "plain", "message": "and simple"}


def test_words_survive_the_database() -> None:
    words = Lines("a\0b", Text("Job '%(job)s'", job=Text("late")), Text("100 %"))
    again = from_json(to_json(words))
    assert to_json(again) == to_json(words)
    with override("ja"):
        assert str(again) == "ab\n«ja» Job '«ja» late'\n«ja» 100 %"


# The choice ----------------------------------------------------------------------------------------------------------


def test_the_buttons_for_the_language_are_a_choice_for_mails_too(vic: User) -> None:
    client = browser(vic)
    client.post("/language", {"language": "ja", "next": "/"})
    assert Preferences.objects.get().language == "ja"
    assert Entry.objects.get(event="modified").changes == {"language": {"old": "", "new": "ja"}}
    client.post("/language", {"language": "xx"})
    client.get("/language", {"language": "en"})
    assert Preferences.objects.get().language == "ja"


def test_who_is_not_logged_in_chooses_for_his_browser_only(client: Client) -> None:
    answer = client.post("/language", {"language": "ja", "next": "/login"})
    assert answer.cookies["django_language"].value == "ja"
    assert not Preferences.objects.exists()
