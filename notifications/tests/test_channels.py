"""What arrives at the services: whole messages in their own form, inert whatever people wrote, and retried where that helps."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import uuid
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Team
from jobs.tests.running import Answer, Receiver
from notifications.channels import CHANNELS, WITH_DESTINATIONS, discord, http, teams
from notifications.channels.base import AlertSubject, Channel
from notifications.delivery import deliver
from notifications.delivery.outbox import fan_out, post, to_destination
from notifications.incident_thread import IncidentThread, Phase
from notifications.messages import Message
from notifications.models import Alert, SlackSettings
from notifications.tests.conftest import KEY, Service, service

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)
SERVICES = ["slack", "webhook", "teams", "discord", "pagerduty"]
HOSTILE = "@everyone <!channel> <@U012345> [x](https://evil.example) **b** `c` <at>all</at> https://evil.example\u202e\x1b[31m"
MESSAGE = Message(
    "🔴 It failed: nightly",
    "It failed",
    [("Job Name", "nightly"), ("Error", "boom\nat line 3")],
    "Look at it.",
    "/executions/1",
    log=("one", "two"),
)
JOB = AlertSubject(uuid.UUID(int=7), "nightly", uuid.UUID(int=8))


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.FRONTEND_BASE_URL = "https://belfry.example.com"


@pytest.fixture(params=SERVICES)
def any_service(request: pytest.FixtureRequest, receiver: Receiver) -> Service:
    return service(receiver, request.param)


def send(
    to: Service, message: Message = MESSAGE, event: Alert.Event = Alert.Event.JOB_FAILED, key: str = "one"
) -> Alert:
    alert = to_destination(to.destination, key, event, message, NOW, JOB)
    post([alert])
    deliver.deliver_due(NOW)
    return Alert.objects.get(key=alert.key)


def test_each_service_is_told_once_with_the_facts_the_log_and_the_link(any_service: Service) -> None:
    alert = send(any_service)
    assert (alert.state, alert.last_error, alert.whom) == ("delivered", "", ["Ops"])
    (said,) = any_service.said
    text = json.dumps(said, ensure_ascii=False).replace("\\\\", "")
    for part in ("It failed: nightly", "Error", "boom", "two", "https://belfry.example.com/executions/1"):
        assert part in text
    assert deliver.deliver_due(NOW + dt.timedelta(days=1)) == 0


def test_a_second_destination_of_a_channel_gets_its_own(any_service: Service, receiver: Receiver) -> None:
    other = service(receiver, any_service.destination.channel, "Other")
    send(any_service)
    send(other)
    assert Alert.objects.count() == 2


def test_a_service_that_asks_to_wait_is_given_that_long(any_service: Service) -> None:
    any_service.answer(429, Retry_After="120")
    alert = send(any_service)
    assert (alert.state, alert.next_attempt_at) == ("pending", NOW + dt.timedelta(seconds=120))
    assert "answered 429" in alert.last_error
    any_service.answer(200)
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=119)) == 0
    assert deliver.deliver_due(NOW + dt.timedelta(seconds=121)) == 1


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (500, "pending"),
        (408, "pending"),
        (400, "undeliverable"),
        (404, "undeliverable"),
        (302, "undeliverable"),
    ],
)
def test_other_refusals_are_retried_where_that_may_help(receiver: Receiver, status: int, state: str) -> None:
    to = service(receiver, "discord")
    to.answer(status, Location="http://169.254.169.254/")
    assert (send(to).state, len(to.said)) == (state, 1)


def test_a_service_that_says_nothing_is_left_after_the_deadline(
    any_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.2)
    any_service.server.answers["/hook"] = Answer(silent=True)
    alert = send(any_service)
    assert alert.state == "pending"
    assert alert.last_error.endswith("cannot be reached: TimeoutError")


def test_inner_addresses_are_not_called(any_service: Service, settings: Settings) -> None:
    settings.ALERT_ALLOWED_HOSTS = []
    assert send(any_service).state == "undeliverable"
    assert any_service.said == []


def test_no_error_tells_the_address_or_the_key(any_service: Service, settings: Settings) -> None:
    settings.ALERT_ALLOWED_HOSTS = ["127.0.0.1:9"]
    place = any_service.destination
    text = "https://127.0.0.1:9/canary"
    place.secrets |= {"webhook_url": text} | ({"url": text} if place.channel == "webhook" else {})
    place.options = {"url": text} if place.options else {}
    place.save()
    alert = send(any_service)
    assert "cannot be reached" in alert.last_error
    assert "canary" not in alert.last_error
    assert KEY not in json.dumps(alert.text) + alert.last_error


def test_a_destination_that_was_switched_off_or_deleted_meanwhile_is_not_told(receiver: Receiver) -> None:
    to = service(receiver, "teams", is_enabled=False)
    assert send(to).state == "silenced"
    to.destination.delete()
    to.destination.uid = uuid.uuid4()
    to.destination.channel = "discord"
    assert send(to, key="two").last_error == "the destination has been deleted"
    assert to.said == []


# Each by itself ------------------------------------------------------------------------------------------------------


def test_a_receiver_can_verify_a_webhook(receiver: Receiver) -> None:
    to = service(receiver, "webhook")
    alert = send(to)
    (got,) = receiver.received
    parts = dict(part.split("=") for part in got.headers["X-Belfry-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + got.body
    assert hmac.new(b"a-key-of-sixteen-signs", signed, hashlib.sha256).hexdigest() == parts["v1"]
    assert (
        abs(int(parts["t"]) - dt.datetime.now(dt.UTC).timestamp()) < 60 or int(parts["t"]) == NOW.timestamp()
    )
    assert (got.headers["X-Belfry-Event"], got.headers["Idempotency-Key"]) == ("job_failed", str(alert.uid))
    assert to.said[0] | {"facts": 0, "log": 0} == {
        "id": str(alert.uid),
        "event": "job_failed",
        "phase": "",
        "incident": "",
        "at": "2026-03-01T10:00:00Z",
        "job": {"id": str(JOB.job_uid), "name": "nightly"},
        "run": str(JOB.execution_uid),
        "subject": "🔴 It failed: nightly",
        "facts": 0,
        "log": 0,
        "closing": "Look at it.",
        "link": "https://belfry.example.com/executions/1",
    }
    assert to.said[0]["facts"][1] == {"label": "Error", "value": "boom\nat line 3"}


def test_what_people_write_is_text_in_discord(receiver: Receiver) -> None:
    to = service(receiver, "discord")
    send(to, Message(HOSTILE, "", [(HOSTILE, HOSTILE)], log=("``` @everyone",)))
    (said,) = to.said
    assert said["allowed_mentions"] == {"parse": []}
    (embed,) = said["embeds"]
    for text in (embed["title"], embed["fields"][0]["name"], embed["fields"][0]["value"]):
        assert r"\@everyone" in text
        assert r"\[x\]\(https\:\/\/evil\.example\)" in text
        assert r"\*\*b\*\*" in text
        assert "\u202e" not in text
        assert "\x1b" not in text
    assert embed["description"].count("```") == 2


def test_what_people_write_is_text_in_teams(receiver: Receiver) -> None:
    to = service(receiver, "teams")
    send(to, Message(HOSTILE, "", [(HOSTILE, HOSTILE)], log=(HOSTILE,)))
    (said,) = to.said
    card = said["attachments"][0]["content"]
    # Only runs of text, in which Teams reads no Markdown; a mention would need an entity.
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert "entities" not in card["msteams"]


@pytest.mark.parametrize("text", ["x" * 20_000, "*" * 20_000, "日" * 20_000, "\n" * 20_000])
def test_long_texts_are_cut_visibly_to_what_the_services_take(receiver: Receiver, text: str) -> None:
    message = Message(
        text, text, [(f"{number}", text) for number in range(30)], text[:500], log=(text[:300],) * 10
    )
    places = [service(receiver, name, name) for name in SERVICES]
    for place in places:
        assert send(place, message).state == "delivered"
    slack, webhook, card, discorded, paged = (one.body for one in receiver.received)
    assert len(json.loads(slack)["text"]) < 3100
    assert len(webhook) < 600_000
    assert len(card) <= teams.MOST_BYTES
    assert "…" in card.decode()
    (embed,) = json.loads(discorded)["embeds"]
    fields = embed["fields"]
    assert len(embed["title"]) <= discord.TITLE
    assert len(embed.get("description", "")) <= discord.DESCRIPTION
    assert len(fields) <= discord.FIELDS
    assert all(0 < len(one["value"]) <= discord.VALUE and len(one["name"]) <= discord.NAME for one in fields)
    counted = [embed["title"], embed.get("description", ""), *(one["name"] + one["value"] for one in fields)]
    assert sum(map(len, counted)) <= discord.TOTAL
    assert "…" in discorded.decode()
    assert len(paged) < 500_000
    assert len(json.loads(paged)["payload"]["summary"]) <= 1024


def test_an_incoming_webhook_of_teams_that_answers_200_to_a_refusal_is_understood(receiver: Receiver) -> None:
    to = service(receiver, "teams")
    to.answer(200, b"Webhook message delivery failed with error: Teams returned HTTP error 429")
    assert send(to).state == "pending"
    to.answer(200, b"Webhook message delivery failed with error: Teams returned HTTP error 403")
    assert send(to, key="two").state == "undeliverable"


def in_phase(phase: Phase) -> Message:
    return Message("subject", "heading", path="/x", thread=IncidentThread("incident:4711", phase))


def test_pagerduty_has_one_incident_for_each_of_ours(receiver: Receiver) -> None:
    to = service(receiver, "pagerduty")
    for number, phase in enumerate((Phase.OPENED, Phase.REMINDED, Phase.ESCALATED, Phase.RECOVERED)):
        send(to, in_phase(phase), key=f"k{number}")
    actions = [(one["event_action"], one["dedup_key"], one["routing_key"]) for one in to.said]
    assert actions == [("trigger", "incident:4711", KEY)] * 3 + [("resolve", "incident:4711", KEY)]
    assert to.said[0]["payload"]["severity"] == "critical"
    assert "payload" not in to.said[3]


def test_without_an_incident_pagerduty_has_one_for_each_job(receiver: Receiver) -> None:
    to = service(receiver, "pagerduty")
    for number, event in enumerate(("job_failed", "late", "job_succeeded", "recovered")):
        send(to, MESSAGE, Alert.Event(event), f"k{number}")
    assert [one["event_action"] for one in to.said] == ["trigger", "trigger", "resolve", "resolve"]
    assert {one["dedup_key"] for one in to.said} == {f"job:{JOB.job_uid}"}
    assert to.said[1]["payload"]["severity"] == "warning"


def test_nobody_is_called_by_pagerduty_for_what_is_no_problem(receiver: Receiver) -> None:
    service(receiver, "pagerduty", is_default=True)
    service(receiver, "discord", "Calm", is_default=True)
    rows = fan_out("k", Alert.Event.ENDING_SOON, MESSAGE, NOW)
    assert [row.channel for row in rows] == ["discord"]


# Who is told ---------------------------------------------------------------------------------------------------------


def told(destinations: str = "", team: int | None = None) -> list[str]:
    rows = fan_out(
        "k", Alert.Event.JOB_FAILED, MESSAGE, NOW, about=AlertSubject(destinations=destinations, team=team)
    )
    return [", ".join(row.whom) or row.channel for row in rows]


def test_a_job_goes_before_its_team_and_both_before_the_defaults(receiver: Receiver) -> None:
    team = Team.objects.create(name="Payments")
    SlackSettings(is_enabled=True, secrets={"webhook_url": receiver.url("/hook")}).save()
    service(receiver, "discord", "Everybody", is_default=True)
    service(receiver, "discord", "Ops")
    service(receiver, "pagerduty", "Pager").destination.teams.add(team)
    service(receiver, "teams", "Off", is_enabled=False, is_default=True)
    assert told() == ["Everybody", "slack"]
    assert told(team=team.pk) == ["Pager"]
    assert told("ops, pager", team.pk) == ["Ops", "Pager"]
    assert told("slack,ops") == ["Ops", "slack"]
    # What is gone or off silences nobody.
    assert told("gone off") == ["Everybody", "slack"]


def test_the_same_event_is_told_to_a_destination_once(receiver: Receiver) -> None:
    to = service(receiver, "discord", is_default=True)
    for _ in range(2):
        post(fan_out("k", Alert.Event.JOB_FAILED, MESSAGE, NOW))
        deliver.deliver_due(NOW)
    assert len(to.said) == 1


def test_every_channel_of_the_registry_is_one_and_has_a_name_of_its_own() -> None:
    assert set(CHANNELS) == set(Alert.Channel.values)
    assert list(WITH_DESTINATIONS) == ["slack", "teams", "discord", "pagerduty", "webhook"]
    channels: list[Any] = [channel for channel in CHANNELS.values() if channel.about and channel.label]
    typed: list[Channel] = channels
    assert len(typed) == len(Alert.Channel)
