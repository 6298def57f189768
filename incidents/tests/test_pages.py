"""The pages: what is open, one of them with its timeline, the verbs, the bell, and the rules of administrators."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from accounts.models import User
from audit.record import Actor
from incidents import lifecycle, verbs
from incidents.models import EscalationStep, Incident, ReminderRules
from incidents.tests.factories import announced, concerned, fail
from jobs.tests.pages import browser

XSS = "<script>alert(1)</script>"


@pytest.fixture
def incident(uma: User) -> Incident:
    return announced(timezone.now(), concerned(uma), error="HTTP 500: too many clients")


def page(user: User, path: str) -> str:
    answer = browser(user).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_what_nobody_has_acknowledged(uma: User, incident: Incident) -> None:
    other = fail(timezone.now(), concerned(name="weekly", uid=uuid.uuid4()))
    verbs.acknowledge(other, by=Actor(uma, "page"))
    text = page(uma, "/incidents")
    assert "nightly: failing" in text
    assert "HTTP 500: too many clients" in text
    assert "weekly" not in text
    assert "weekly" in page(uma, "/incidents?show=open")
    assert "nightly" not in page(uma, "/incidents?show=closed")
    assert "weekly" not in page(uma, "/incidents?show=open&whose=mine")
    assert "nightly" not in page(uma, "/incidents?q=weekly")
    assert "nightly" not in page(uma, "/incidents?kind=lost")


def test_odd_filters_narrow_nothing_and_odd_places_are_404(uma: User, incident: Incident) -> None:
    assert "nightly" in page(uma, "/incidents?show=%3Cx&kind=y&whose=z")
    assert browser(uma).get("/incidents?at=x").status_code == 404


def test_the_list_has_pages(uma: User) -> None:
    for number in range(51):
        fail(timezone.now(), concerned(name=f"job {number:02}", uid=uuid.uuid4()))
    first = page(uma, "/incidents")
    assert "job 00" not in first
    place = first.split("at=")[1].split('"')[0]
    assert "job 00" in page(uma, f"/incidents?at={place}")


def test_one_shows_its_course_and_people_act_on_it(uma: User, incident: Incident) -> None:
    at = f"/incidents/{incident.uid}"
    client = browser(uma)
    for verb, body in (
        ("comment", {"text": XSS}),
        ("snooze", {"hours": "4"}),
        ("assign", {"assignee": "uma"}),
        ("mute", {"hours": "24"}),
        ("unmute", {}),
        ("acknowledge", {}),
        ("close", {}),
    ):
        answer = client.post(f"{at}/{verb}", body)
        assert (answer.status_code, answer["Location"]) == (302, at)
    text = page(uma, at)
    for words in ("Opened", "Comment", "Snoozed", "Assigned", "Job muted", "Acknowledged", "Closed"):
        assert words in text
    assert XSS not in text
    assert "&lt;script&gt;" in text


def test_a_refused_form_shows_what_was_typed_and_changes_nothing(uma: User, incident: Incident) -> None:
    client, at = browser(uma), f"/incidents/{incident.uid}"
    answer = client.post(f"{at}/comment", {"text": "long " * 500})
    assert answer.status_code == 400
    assert "long long" in answer.content.decode()
    for verb, body in (
        ("snooze", {"hours": "5000"}),
        ("assign", {"assignee": "nobody-here"}),
        ("mute", {"hours": "x"}),
    ):
        assert client.post(f"{at}/{verb}", body).status_code == 400
    assert not incident.timeline.exists()


def test_a_viewer_reads_and_does_nothing(vic: User, incident: Incident) -> None:
    assert "Acknowledge" not in page(vic, f"/incidents/{incident.uid}")
    assert browser(vic).post(f"/incidents/{incident.uid}/acknowledge").status_code == 403


def test_what_is_not_mine_cannot_be_muted_by_me(vic: User, uma: User) -> None:
    vic.role = User.Role.USER
    vic.save()
    incident = fail(timezone.now(), concerned(uma))
    assert "Mute the job" not in page(vic, f"/incidents/{incident.uid}")
    assert browser(vic).post(f"/incidents/{incident.uid}/mute", {"hours": ""}).status_code == 403


def test_the_bell_counts_what_is_open_of_mine(uma: User, vic: User, incident: Incident) -> None:
    badge = '<span class="count">1</span>'
    assert badge in page(uma, "/incidents")
    assert badge not in page(vic, "/incidents")
    lifecycle.recover(incident, timezone.now())
    assert badge not in page(uma, "/incidents")


def test_administrators_set_reminders_and_steps(ada: User, uma: User) -> None:
    client = browser(ada)
    now = dict.fromkeys(ReminderRules.current(), "30") | {"inbox": "0"}
    assert client.post("/settings/incidents", now).status_code == 302
    assert ReminderRules.current() == {"email": 30, "slack": 30}
    step = {"after": "15", "channel": "email", "user": str(uma.pk)}
    assert client.post("/settings/incidents/steps", step).status_code == 302
    assert "15 min" in page(ada, "/settings/incidents")
    assert client.post("/settings/incidents", now | {"email": "-5"}).status_code == 400
    refused = client.post("/settings/incidents/steps", step | {"channel": "slack"})
    assert refused.status_code == 400
    assert "not to one person" in refused.content.decode()
    uid = EscalationStep.objects.get().uid
    assert client.post(f"/settings/incidents/steps/{uid}/remove").status_code == 302
    assert not EscalationStep.objects.exists()
