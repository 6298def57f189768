"""Destinations: for administrators; their secrets are written and never shown, and each change has its audit entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Team, User
from audit.models import Entry
from conftest import Api
from jobs.tests.pages import browser
from jobs.tests.running import Receiver
from notifications.models import Destination
from notifications.tests.conftest import KEY, service

pytestmark = pytest.mark.django_db

API, PAGE = "/api/v2/settings/destinations", "/settings/destinations"
URL = "https://discord.com/api/webhooks/1/canary-4711"
SHOWN = "https://discord.com/********"


def discord(**values: Any) -> dict[str, Any]:
    return {"name": "Ops Discord", "channel": "discord", "settings": {"webhook_url": URL}} | values


def make(api: Api, user: User, **values: Any) -> Any:
    return api(user).post(API, discord(**values), format="json")


def test_an_administrator_makes_one_and_its_secret_is_never_shown(api: Api, ada: User) -> None:
    Team.objects.create(name="Payments", slug="payments")
    answer = make(api, ada, teams=["payments"], is_default=True)
    assert answer.status_code == 201
    found = answer.json()["destination"]
    assert found | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "slug": "ops-discord",
        "name": "Ops Discord",
        "channel": "discord",
        "is_enabled": True,
        "is_default": True,
        "teams": ["payments"],
        "settings": {"webhook_url": SHOWN},
        "created_at": 0,
        "updated_at": 0,
    }
    one = f"{API}/{found['id']}"
    pages = browser(ada).get(f"{PAGE}/{found['id']}").content + browser(ada).get(PAGE).content
    seen = answer.content + api(ada).get(one).content + api(ada).get(API).content + pages
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM notifications_destination")
        stored = str(cursor.fetchall())
    trail = json.dumps([entry.changes for entry in Entry.objects.filter(object_type="destination")])
    assert "canary" not in seen.decode() + stored + trail
    assert "secrets.webhook_url" in trail
    assert Destination.objects.get().settings == {"webhook_url": URL}


def test_what_was_shown_can_be_sent_back_and_the_slug_stays(api: Api, ada: User) -> None:
    one = f"{API}/{make(api, ada).json()['destination']['id']}"
    changed = {"name": "Ops", "settings": {"webhook_url": SHOWN}, "is_enabled": False}
    assert api(ada).put(one, changed, format="json").json()["destination"]["slug"] == "ops-discord"
    form = {"name": "Ops 2", "settings_webhook_url": SHOWN, "is_enabled": "on"}
    assert browser(ada).post(one.replace(API, PAGE), form).status_code == 302
    stored = Destination.objects.get()
    assert (stored.name, stored.is_enabled, stored.settings) == ("Ops 2", True, {"webhook_url": URL})
    events = Entry.objects.filter(object_type="destination").order_by("id").values_list("event", flat=True)
    assert list(events) == ["added", "modified", "modified"]
    assert api(ada).delete(one).status_code == 200
    assert Destination.objects.count() == 0
    assert Entry.objects.filter(object_type="destination", event="deleted").exists()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"channel": "email"}, "channel"),
        ({"channel": ["discord"]}, "channel"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"is_default": "yes"}, "is_default"),
        ({"teams": ["nobody"]}, "teams"),
        ({"teams": [5]}, "teams"),
        ({"settings": {}}, "settings.webhook_url"),
        ({"settings": {"webhook_url": "http://discord.com/x"}}, "settings.webhook_url"),
        ({"settings": {"webhook_url": "https://169.254.169.254/x"}}, "settings.webhook_url"),
        ({"settings": {"webhook_url": 5}}, "settings.webhook_url"),
        ({"settings": {"webhook_url": URL, "other": "x"}}, "settings.other"),
        ({"channel": "pagerduty", "settings": {"routing_key": "short"}}, "settings.routing_key"),
        ({"channel": "webhook", "settings": {"url": "https://a.example/x", "key": "short"}}, "settings.key"),
    ],
)
def test_what_cannot_work_is_refused_by_the_name_of_its_field(
    api: Api, ada: User, values: dict[str, Any], named: str
) -> None:
    answer = make(api, ada, **values)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid destination")
    assert answer.json()["message"].startswith(named)
    assert Destination.objects.count() == 0


def test_two_of_one_name_are_refused_and_slugs_differ(api: Api, ada: User) -> None:
    assert make(api, ada).status_code == 201
    assert make(api, ada, name="OPS discord").status_code == 400
    assert make(api, ada, name="Ops, Discord").json()["destination"]["slug"] == "ops-discord-2"
    assert make(api, ada, name="通知").json()["destination"]["slug"] == "destination"
    assert make(api, ada, name="Slack").json()["destination"]["slug"] == "slack-2"


def test_a_stored_key_does_not_go_to_another_host(api: Api, ada: User) -> None:
    settings = {"routing_key": KEY}
    made = make(api, ada, channel="pagerduty", settings=settings).json()["destination"]
    assert made["settings"] == {"routing_key": "********", "url": "https://events.pagerduty.com/v2/enqueue"}
    elsewhere = {"settings": {"url": "https://evil.example/v2/enqueue"}}
    answer = api(ada).put(f"{API}/{made['id']}", elsewhere, format="json")
    assert (answer.status_code, answer.json()["message"][:20]) == (400, "settings.routing_key")
    elsewhere["settings"]["routing_key"] = KEY[::-1]
    assert api(ada).put(f"{API}/{made['id']}", elsewhere, format="json").status_code == 200


def test_a_secret_that_cannot_be_decrypted_survives_other_changes(
    api: Api, ada: User, settings: Settings
) -> None:
    one = f"{API}/{make(api, ada).json()['destination']['id']}"
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["another"]
    assert api(ada).put(one, {"name": "New"}, format="json").status_code == 200
    settings.ENCRYPTION_KEYS = keys
    stored = Destination.objects.get()
    assert (stored.name, stored.settings) == ("New", {"webhook_url": URL})


def test_an_older_state_is_not_overwritten(api: Api, ada: User) -> None:
    made = make(api, ada)
    one = f"{API}/{made.json()['destination']['id']}"
    assert api(ada).put(one, {"name": "A"}, format="json").status_code == 200
    answer = api(ada).put(one, {"name": "B"}, format="json", headers={"If-Match": made["ETag"]})
    assert (answer.status_code, Destination.objects.get().name) == (412, "A")


def test_a_refused_form_shows_what_was_typed_and_why(ada: User) -> None:
    form = {"name": "<script>x</script>", "settings_webhook_url": "http://inner.example/typed"}
    page = browser(ada).post(f"{PAGE}/new/discord", form).content.decode()
    assert "http://inner.example/typed" in page
    assert "The webhook must be an https URL." in page
    assert "<script>x" not in page
    assert browser(ada).get(f"{PAGE}/new/email").status_code == 404


def test_a_test_message_is_sent_at_once_and_its_result_shown(api: Api, ada: User, receiver: Receiver) -> None:
    to = service(receiver, "pagerduty", is_enabled=False)
    page = browser(ada).post(f"{PAGE}/{to.destination.uid}/test", follow=True).content.decode()
    assert "has been delivered" in page
    # It opens an incident there, and resolves it: nobody need look after a test.
    assert [one["event_action"] for one in to.said] == ["trigger", "resolve"]
    assert to.said[0]["dedup_key"] == to.said[1]["dedup_key"]
    to.answer(404)
    page = browser(ada).post(f"{PAGE}/{to.destination.uid}/test", follow=True).content.decode()
    assert "PagerDuty answered 404" in page
    answer = api(ada).post(f"{API}/{to.destination.uid}/test")
    assert (answer.status_code, answer.json()["message"]) == (502, "PagerDuty answered 404")


def test_only_administrators_have_to_do_with_them(api: Api, uma: User, receiver: Receiver) -> None:
    one = service(receiver, "discord").destination.uid
    for answer in (api(uma).get(API), make(api, uma), api(uma).post(f"{API}/{one}/test")):
        assert answer.status_code == 403
    for answer in (browser(uma).get(PAGE), browser(uma).post(f"{PAGE}/{one}/delete")):
        assert answer.status_code == 403
    assert Destination.objects.count() == 1
