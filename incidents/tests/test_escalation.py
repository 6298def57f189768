"""Reminders, escalations and ends of snoozes: by plan, once each, however many processes look."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Team, User
from audit.models import Entry
from audit.record import Actor
from incidents import notify, rule_verbs, verbs
from incidents.models import EscalationStep, Incident
from incidents.tests.factories import announced, concerned, told
from incidents.verbs import Invalid
from jobs.tests.factories import moment
from notifications.models import Alert
from scheduler_site.lib import clock

NOW = moment("2026-03-01 10:00")
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
SYSTEM = Actor.system()
REMINDER, ESCALATION = "🔴 Still open: nightly, failing", "🔴 Escalated: nightly, failing"


def steps(now: dt.datetime, turns: int = 2) -> None:
    """Several processes look at the same moment."""
    for _ in range(turns):
        notify.take_steps(now)


def test_people_are_reminded_every_four_hours_by_mail(db: None) -> None:
    incident = announced(NOW)
    steps(NOW + 3 * HOUR)
    assert told("reminded") == []
    steps(NOW + 4 * HOUR)
    assert told("reminded") == [REMINDER]
    steps(NOW + 8 * HOUR)
    assert told("reminded") == [REMINDER] * 2
    assert "Open for: 8 h 0 min" in Alert.objects.filter(phase="reminded", channel="email").first().text  # type: ignore[union-attr]
    assert [entry.what for entry in incident.timeline.all()] == ["reminded", "reminded"]


def test_what_was_slept_through_is_one_reminder(db: None) -> None:
    announced(NOW)
    steps(NOW + 30 * HOUR)
    assert told("reminded") == [REMINDER]
    steps(NOW + 31 * HOUR)
    assert told("reminded") == [REMINDER]
    steps(NOW + 32 * HOUR)
    assert told("reminded") == [REMINDER] * 2


def test_administrators_decide_how_often_and_by_which_way(ada: User) -> None:
    announced(NOW)
    assert rule_verbs.set_reminders({"email": 0, "inbox": 30}, by=Actor(ada, "page")) == {
        "slack": 240,
        "inbox": 30,
    }
    steps(NOW + 35 * MINUTE)
    assert list(Alert.objects.filter(phase="reminded").values_list("channel", flat=True)) == ["inbox"]
    assert Entry.objects.get(object_type="reminderrules").actor == ada


@pytest.mark.parametrize("minutes", [{"pigeon": 5}, {"email": -1}, {"email": 10**6}])
def test_reminders_that_make_no_sense_are_refused(db: None, minutes: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        rule_verbs.set_reminders(minutes, by=SYSTEM)


def test_what_nobody_acknowledges_is_told_to_others_by_age(ada: User, uma: User) -> None:
    rule_verbs.add_step(15, "email", user=uma, by=SYSTEM)
    rule_verbs.add_step(60, "inbox", by=SYSTEM)
    announced(NOW)
    steps(NOW + 14 * MINUTE)
    assert told("escalated") == []
    steps(NOW + 15 * MINUTE)
    assert told("escalated") == [ESCALATION]
    assert Alert.objects.get(phase="escalated").recipients == ["uma@example.com"]
    steps(NOW + 61 * MINUTE)
    assert Alert.objects.get(phase="escalated", channel="inbox").recipients == [f"user:{ada.uid}"]


def test_a_teams_steps_stand_in_the_place_of_those_for_all(ada: User, uma: User) -> None:
    team = Team.objects.create(name="Payments")
    rule_verbs.add_step(5, "email", user=ada, by=SYSTEM)
    rule_verbs.add_step(10, "email", user=uma, team=team, by=SYSTEM)
    announced(NOW, concerned(team_id=team.pk))
    steps(NOW + 20 * MINUTE)
    assert Alert.objects.get(phase="escalated").recipients == ["uma@example.com"]


def test_a_step_that_is_added_later_counts_for_what_is_open(ada: User) -> None:
    announced(NOW)
    rule_verbs.add_step(5, "email", user=ada, by=SYSTEM)
    steps(NOW + 6 * MINUTE)
    assert told("escalated") == [ESCALATION]
    rule_verbs.remove_step(EscalationStep.objects.get(), by=SYSTEM)


@pytest.mark.parametrize(
    "values", [{"after": 0}, {"after": 10**6}, {"channel": "pigeon"}, {"channel": "slack", "user": True}]
)
def test_steps_that_make_no_sense_are_refused(uma: User, values: dict[str, object]) -> None:
    known = {"after": 5, "channel": "email"} | values | ({"user": uma} if "user" in values else {})
    with pytest.raises(Invalid):
        rule_verbs.add_step(**known, by=SYSTEM)  # type: ignore[arg-type]
    assert not EscalationStep.objects.exists()


def test_acknowledging_ends_reminders_and_escalation(ada: User) -> None:
    rule_verbs.add_step(5, "email", user=ada, by=SYSTEM)
    verbs.acknowledge(announced(NOW), by=Actor(ada, "page"))
    steps(NOW + 30 * HOUR)
    assert told("reminded") == told("escalated") == []


def test_a_snooze_silences_until_its_end(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    incident = announced(NOW)
    verbs.snooze(incident, NOW + 9 * HOUR, by=Actor(ada, "page"))
    steps(NOW + 5 * HOUR)
    assert told("reminded") == []
    steps(NOW + 9 * HOUR)
    incident.refresh_from_db()
    assert (incident.state, incident.snoozed_until) == (Incident.State.OPEN, None)
    assert told("reminded") == [REMINDER]
    assert [entry.what for entry in incident.timeline.all()] == [
        "snoozed",
        "snooze_ended",
        "reminded",
    ]


def test_a_muted_job_reminds_nobody(ada: User) -> None:
    incident = announced(NOW)
    verbs.mute(incident, None, by=Actor(ada, "page"))
    steps(NOW + 5 * HOUR)
    assert told("reminded") == []
    assert verbs.unmute(incident, by=Actor(ada, "page"))
    steps(NOW + 8 * HOUR)
    assert told("reminded") == [REMINDER]
