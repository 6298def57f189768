"""Alerts reach a real mail server and a stand-in for Slack: once, and again until they do."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from audit.record import Actor
from notifications import channels
from notifications.delivery import deliver
from notifications.delivery.outbox import compose, post
from notifications.messages import Message
from notifications.models import Alert, Notification, SlackSettings
from notifications.tests.conftest import Postbox, Slack

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)
MESSAGE = Message("It failed: nightly", "It failed", [("Error", "boom")], path="/x")


def write(channel: Alert.Channel, *recipients: str, message: Message = MESSAGE, key: str = "one") -> Alert:
    alert = compose(key, Alert.Event.JOB_FAILED, channel, message, NOW, recipients=recipients)
    post([alert])
    return Alert.objects.get(key=alert.key)


def by_mail(*recipients: str) -> Alert:
    return write(Alert.Channel.EMAIL, *(recipients or ("ops@example.com",)))


def to_slack() -> Alert:
    return write(Alert.Channel.SLACK)


def now(alert: Alert) -> tuple[str, str]:
    alert.refresh_from_db()
    return alert.state, alert.last_error


# Mail ----------------------------------------------------------------------------------------------------------------


def test_one_mail_goes_to_all_recipients_as_text_and_html(postbox: Postbox, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "belfry@example.com"
    alert = by_mail("ops@example.com", "dev@example.com")
    assert deliver.deliver_due(NOW) == 1
    (envelope,), (mail,) = postbox.envelopes, postbox.mails
    assert envelope.rcpt_tos == ["ops@example.com", "dev@example.com"]
    assert (mail["Subject"], mail["From"]) == ("It failed: nightly", "belfry@example.com")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert "Error: boom" in plain.get_content()
    assert html is not None
    assert "boom" in html.get_content()
    assert now(alert) == ("delivered", "")
    assert deliver.deliver_due(NOW + dt.timedelta(days=1)) == 0


def test_a_name_cannot_add_a_header_or_a_recipient(postbox: Postbox) -> None:
    evil = Message("nightly\r\nBcc: evil@example.com\r\n\r\nbody", "h\r\nX-Evil: 1")
    alert = write(
        Alert.Channel.EMAIL, "ops@example.com", "x@y.example\r\nBcc: evil@example.com", message=evil
    )
    deliver.deliver_due(NOW)
    (envelope,), (mail,) = postbox.envelopes, postbox.mails
    assert envelope.rcpt_tos == ["ops@example.com"]
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert "Bcc: evil@example.com" in mail["Subject"]
    assert now(alert)[0] == "delivered"


def test_without_a_mail_server_an_alert_says_so(settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    alert = by_mail()
    deliver.deliver_due(NOW)
    assert now(alert) == ("undeliverable", "no mail server is configured")


def test_with_mail_switched_off_an_alert_is_silenced(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.MAIL_ENABLED = "127.0.0.1", False
    alert = by_mail()
    deliver.deliver_due(NOW)
    assert now(alert)[0] == "silenced"


@pytest.mark.parametrize("answer", ["451 later", "554 not now"])
def test_a_mail_that_the_server_does_not_take_is_sent_again_and_arrives_once(
    postbox: Postbox, answer: str
) -> None:
    alert = by_mail()
    postbox.answer = answer
    deliver.deliver_due(NOW)
    assert now(alert) == ("pending", f"the mail server answered {answer[:3]}")
    postbox.answer = "250 OK"
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=14)) == 0
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=16)) == 1
    assert deliver.deliver_due(NOW + dt.timedelta(hours=2)) == 0
    assert (now(alert), len(postbox.mails)) == (("delivered", ""), 1)


def test_a_mail_server_that_is_away_is_tried_for_a_day(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "notifications.channels.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    alert = by_mail()
    tries, moment = 0, NOW
    while deliver.deliver_due(moment):
        alert.refresh_from_db()
        tries += 1
        moment = alert.next_attempt_at or moment
    assert (alert.state, alert.last_error) == (
        "undeliverable",
        "the mail server cannot be reached: ConnectionRefusedError",
    )
    assert dt.timedelta(hours=24) <= moment - NOW <= dt.timedelta(hours=25)
    assert 24 <= tries <= 40


def test_an_alert_that_was_given_up_can_be_sent_again(postbox: Postbox) -> None:
    alert = by_mail()
    Alert.objects.update(state="undeliverable", next_attempt_at=None, attempts=30)
    assert deliver.send_again(alert, by=Actor.system()) is True
    assert deliver.send_again(alert, by=Actor.system()) is False
    deliver.deliver_due()
    assert (now(alert)[0], len(postbox.mails)) == ("delivered", 1)


# Slack ---------------------------------------------------------------------------------------------------------------


def test_slack_gets_the_text_and_the_channel(slack: Slack) -> None:
    SlackSettings.objects.update(channel="#ops")
    alert = to_slack()
    deliver.deliver_due(NOW)
    (body,) = slack.bodies
    assert json.loads(body) == {"text": alert.text, "channel": "#ops"}
    assert now(alert)[0] == "delivered"


def test_slack_is_asked_again_after_the_time_that_it_names(slack: Slack) -> None:
    alert = to_slack()
    slack.answer(429, Retry_After="90")
    deliver.deliver_due(NOW)
    slack.answer(200)
    assert now(alert) == ("pending", "Slack answered 429")
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=89)) == 0
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=91)) == 1
    assert (now(alert)[0], len(slack.bodies)) == ("delivered", 2)


def test_a_webhook_that_slack_has_closed_is_not_tried_again(slack: Slack) -> None:
    alert = to_slack()
    slack.answer(404)
    deliver.deliver_due(NOW)
    assert now(alert) == ("undeliverable", "Slack answered 404")


def test_redirects_of_slack_are_not_followed(slack: Slack) -> None:
    alert = to_slack()
    slack.answer(302, Location=slack.server.url("/elsewhere"))
    deliver.deliver_due(NOW)
    assert [received.path for received in slack.server.received] == ["/hook"]
    assert now(alert)[0] == "undeliverable"


def test_an_unreachable_slack_is_told_without_the_secret_url(slack: Slack, settings: Settings) -> None:
    settings.SLACK_PLAIN_HOSTS = ["127.0.0.1:9"]
    stored = SlackSettings.load()
    stored.secrets = {"webhook_url": "http://127.0.0.1:9/T0/canary"}
    stored.save()
    alert = to_slack()
    deliver.deliver_due(NOW)
    state, error = now(alert)
    assert state == "pending"
    assert error.startswith("Slack cannot be reached")
    assert "canary" not in error


# Once ----------------------------------------------------------------------------------------------------------------


def test_the_same_event_written_twice_is_one_alert(postbox: Postbox) -> None:
    by_mail()
    by_mail()
    assert Alert.objects.count() == 1


def test_an_inbox_alert_becomes_an_item_for_each_recipient_once(ada: User, uma: User, vic: User) -> None:
    alert = write(Alert.Channel.INBOX, f"user:{ada.uid}", f"user:{vic.uid}")
    for _ in range(2):
        deliver.deliver_due(NOW)
    assert sorted(Notification.objects.values_list("user__username", flat=True)) == ["ada", "vic"]
    assert {item.type for item in Notification.objects.all()} == {"error"}
    assert now(alert)[0] == "delivered"


def test_what_a_dead_process_left_behind_is_sent_when_its_lease_is_over(slack: Slack) -> None:
    alert = to_slack()
    Alert.objects.update(state="sending", attempts=1, next_attempt_at=NOW + deliver.LEASE)
    assert deliver.deliver_due(NOW + dt.timedelta(minutes=1)) == 0
    assert deliver.deliver_due(NOW + dt.timedelta(minutes=3)) == 1
    assert now(alert)[0] == "delivered"


def test_a_late_outcome_of_a_lost_lease_changes_nothing(
    slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_channel: object, alert: Alert, now: dt.datetime) -> None:
        Alert.objects.update(attempts=7, state="delivered")

    monkeypatch.setattr(channels.slack.Slack, "send", slow)
    alert = to_slack()
    deliver.deliver_due(NOW)
    alert.refresh_from_db()
    assert (alert.state, alert.attempts, alert.delivered_at) == ("delivered", 7, None)


def test_an_unforeseen_error_is_put_off_and_keeps_no_other_alert_back(
    slack: Slack, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_channel: object, alert: Alert, now: dt.datetime) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(channels.slack.Slack, "send", broken)
    bad, good = to_slack(), by_mail()
    assert deliver.deliver_due(NOW) == 2
    assert (now(bad), now(good)[0]) == (("pending", "RuntimeError"), "delivered")


@pytest.mark.django_db(transaction=True)
def test_several_processes_that_know_of_an_alert_deliver_it_once(slack: Slack) -> None:
    alert = to_slack()
    together(6, lambda: deliver.deliver([str(alert.uid)], NOW))
    assert (len(slack.bodies), now(alert)[0]) == (1, "delivered")


def together(count: int, call: Callable[[], object]) -> None:
    """Makes `count` calls at the same moment, each with its own connection."""
    barrier = threading.Barrier(count)

    def one() -> None:
        barrier.wait(10)
        try:
            call()
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
