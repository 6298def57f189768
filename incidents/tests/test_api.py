"""`/api/v2/incidents`: the list with its filters and pages, one, the verbs, and refusals that name the field."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from conftest import Api
from incidents.models import EscalationStep, Incident
from incidents.tests.factories import announced, concerned, fail

URL, RULES = "/api/v2/incidents", "/api/v2/settings/incidents"
SOON = "2099-01-01T00:00:00Z"


@pytest.fixture
def incident(uma: User) -> Incident:
    return announced(timezone.now(), concerned(uma), error="HTTP 500")


def names(api: Api, user: User, query: str = "") -> list[str]:
    answer = api(user).get(f"{URL}?{query}")
    assert answer.status_code == 200
    return [one["name"] for one in answer.json()["incidents"]]


def test_one_says_what_is_wrong(api: Api, uma: User, incident: Incident) -> None:
    found = api(uma).get(f"{URL}/{incident.uid}").json()["incident"]
    assert found | {"kind": "failing", "state": "open", "count": 1, "error": "HTTP 500"} == found
    assert found["job_id"] == str(incident.job_uid)
    assert found["owner"] == "uma"
    assert found["closed_at"] is None


def test_the_list_is_narrowed(api: Api, uma: User, incident: Incident) -> None:
    fail(timezone.now(), concerned(name="weekly", uid=uuid.uuid4()), kind=Incident.Kind.LOST)
    assert names(api, uma) == ["weekly", "nightly"]
    assert names(api, uma, "whose=mine") == ["nightly"]
    assert names(api, uma, "kind=lost,late") == ["weekly"]
    assert names(api, uma, "state=acknowledged") == names(api, uma, "show=closed") == []
    assert names(api, uma, f"job_id={incident.job_uid}") == ["nightly"]
    first = api(uma).get(f"{URL}?limit=1").json()
    assert names(api, uma, f"limit=1&cursor={first['next_cursor']}") == ["nightly"]


@pytest.mark.parametrize("query", ["show=x", "whose=x", "job_id=x", "cursor=x", "limit=0", "limit=x"])
def test_odd_filters_are_refused(api: Api, uma: User, query: str) -> None:
    assert api(uma).get(f"{URL}?{query}").status_code in (400, 422)


def test_the_verbs_do_what_they_say(api: Api, ada: User, uma: User, incident: Incident) -> None:
    client, at = api(uma), f"{URL}/{incident.uid}"
    until = (timezone.now() + dt.timedelta(hours=5)).isoformat()
    done: list[tuple[str, dict[str, Any], str]] = [
        ("comment", {"text": "looking"}, "Comment added"),
        ("assign", {"assignee": "ada"}, "Incident assigned"),
        ("assign", {"assignee": "ada"}, "Nothing has changed"),
        ("snooze", {"until": until}, "Incident snoozed"),
        ("mute", {}, "Job muted"),
        ("acknowledge", {}, "Incident acknowledged"),
        ("acknowledge", {}, "Nothing has changed"),
        ("close", {}, "Incident closed"),
    ]
    for verb, body, message in done:
        answer = client.post(f"{at}/{verb}", body, format="json")
        assert (answer.status_code, answer.json()["message"]) == (200, message)
    assert client.delete(f"{at}/mute").json()["message"] == "Job unmuted"
    now = client.get(at).json()
    assert now["incident"]["state"] == "closed"
    assert now["incident"]["assignee"] == "ada"
    assert [one["what"] for one in now["timeline"]] == [
        *("comment", "assigned", "snoozed", "muted", "acknowledged", "closed", "unmuted")
    ]
    assert client.post(f"{at}/acknowledge").status_code == 409


@pytest.mark.parametrize(
    ("verb", "body", "error"),
    [
        ("comment", {}, "Invalid text"),
        ("comment", {"text": ""}, "Invalid text"),
        ("comment", {"text": 5}, "Invalid text"),
        ("snooze", {}, "Invalid until"),
        ("snooze", {"until": "soon"}, "Invalid until"),
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "Invalid until"),
        ("snooze", {"until": SOON}, "Invalid until"),
        ("mute", {"until": 5}, "Invalid until"),
        ("assign", {}, "Invalid assignee"),
        ("assign", {"assignee": "nobody"}, "Invalid assignee"),
    ],
)
def test_bad_input_names_the_field(
    api: Api, uma: User, incident: Incident, verb: str, body: dict[str, Any], error: str
) -> None:
    answer = api(uma).post(f"{URL}/{incident.uid}/{verb}", body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not incident.timeline.exists()


def test_what_cannot_be_seen_is_404(api: Api, uma: User) -> None:
    for uid in (uuid.uuid4(), "x"):
        assert api(uma).get(f"{URL}/{uid}").status_code == 404


def test_administrators_set_the_rules(api: Api, ada: User, uma: User) -> None:
    client = api(ada)
    assert client.put(RULES, {"reminders": {"email": 0}}, format="json").json()["reminders"] == {"slack": 240}
    step = client.post(f"{RULES}/steps", {"after": 5, "channel": "email", "user": "uma"}, format="json")
    assert step.status_code == 201
    assert client.get(RULES).json()["steps"] == [step.json()["step"]]
    for body in ({"reminders": 5}, {"reminders": {"email": "x"}}, {"reminders": {"pigeon": 5}}, {}):
        assert client.put(RULES, body, format="json").status_code == 400
    for changes in ({"after": "x"}, {"after": 0}, {"channel": 5}, {"user": "x"}, {"team": "x"}):
        step_body: dict[str, Any] = {"after": 5, "channel": "email"} | changes
        assert client.post(f"{RULES}/steps", step_body, format="json").status_code == 400
    assert client.delete(f"{RULES}/steps/{step.json()['step']['id']}").status_code == 200
    assert not EscalationStep.objects.exists()
