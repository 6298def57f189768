"""What people do to incidents: each once, on record with who did it, and nothing to what is closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from incidents import verbs
from incidents.models import Incident, Mute
from incidents.tests.factories import concerned, fail
from incidents.verbs import Closed, Invalid
from scheduler_site.lib import clock

HOUR = dt.timedelta(hours=1)


def line(incident: Incident) -> tuple[str, str, str]:
    entry = incident.timeline.order_by("-pk")[0]
    return entry.what, entry.by_name, entry.text


def test_of_two_who_acknowledge_one_does(ada: User, uma: User) -> None:
    incident = fail(clock.now())
    assert verbs.acknowledge(incident, by=Actor(uma, "page"))
    assert not verbs.acknowledge(incident, by=Actor(ada, "page"))
    incident.refresh_from_db()
    assert (incident.state, incident.acknowledged_by) == ("acknowledged", uma)
    assert line(incident) == ("acknowledged", "uma", "")
    entry = Entry.objects.get(object_type="incident")
    assert (entry.actor, entry.changes["state"]) == (uma, {"old": "open", "new": "acknowledged"})
    assert entry.category_id == incident.category_id


def test_an_assignee_is_told(ada: User, uma: User) -> None:
    incident = fail(clock.now())
    assert verbs.assign(incident, uma, by=Actor(ada, "page"))
    incident.refresh_from_db()
    assert not verbs.assign(incident, uma, by=Actor(ada, "page"))
    assert incident.assignee == uma
    assert "nightly" in uma.notifications.get().message
    assert line(incident) == ("assigned", "ada", "uma")
    assert verbs.assign(incident, None, by=Actor(ada, "page"))


def test_who_does_not_see_it_cannot_have_it(ada: User, uma: User, vic: User) -> None:
    uma.category = Category.objects.create(name="Other")
    uma.save()
    vic.is_active = False
    vic.save()
    incident = fail(clock.now())
    for user in (uma, vic):
        with pytest.raises(Invalid):
            verbs.assign(incident, user, by=Actor(ada, "page"))


def test_a_time_in_the_past_is_refused(ada: User) -> None:
    incident, now = fail(clock.now()), clock.now()
    for until in (now - HOUR, now + 9000 * HOUR):
        with pytest.raises(Invalid):
            verbs.snooze(incident, until, by=Actor(ada, "page"))
    with pytest.raises(Invalid):
        verbs.mute(incident, now - HOUR, by=Actor(ada, "page"))
    assert not Entry.objects.filter(object_type="incident").exists()


def test_a_comment_is_kept_as_it_was_written(uma: User) -> None:
    incident = fail(clock.now())
    verbs.comment(incident, "  <b>looking</b>\nat it ", by=Actor(uma, "page"))
    assert line(incident) == ("comment", "uma", "<b>looking</b>\nat it")
    for text in ("", "  ", "x" * 2001):
        with pytest.raises(Invalid):
            verbs.comment(incident, text, by=Actor(uma, "page"))


def test_what_is_closed_by_hand_stays_closed(uma: User) -> None:
    incident = fail(clock.now())
    assert verbs.close(incident, by=Actor(uma, "page"))
    assert not verbs.close(incident, by=Actor(uma, "page"))
    incident.refresh_from_db()
    assert (incident.state, incident.ending) == ("closed", "by_hand")
    verbs.comment(incident, "was the disk", by=Actor(uma, "page"))
    again = fail(clock.now())
    assert again.pk != incident.pk


@pytest.mark.parametrize(
    "verb",
    [
        lambda one, by: verbs.acknowledge(one, by=by),
        lambda one, by: verbs.assign(one, by.user, by=by),
        lambda one, by: verbs.snooze(one, clock.now() + HOUR, by=by),
    ],
)
def test_a_closed_one_cannot_be_handled(uma: User, verb: Callable[[Incident, Actor], object]) -> None:
    incident = fail(clock.now())
    verbs.close(incident, by=Actor(uma, "page"))
    with pytest.raises(Closed):
        verb(incident, Actor(uma, "page"))


def test_a_job_is_muted_once_however_often(uma: User) -> None:
    incident = fail(clock.now())
    for hours in (1, 2):
        verbs.mute(incident, clock.now() + hours * HOUR, by=Actor(uma, "page"))
    assert Mute.objects.get().job_uid == incident.job_uid
    assert verbs.unmute(incident, by=Actor(uma, "page"))
    assert not verbs.unmute(incident, by=Actor(uma, "page"))


def test_only_who_may_change_the_job_may_mute_it(ada: User, uma: User, vic: User) -> None:
    fail(clock.now(), concerned(ada))
    assert Incident.objects.changeable_by(ada).count() == 1
    assert Incident.objects.changeable_by(uma).count() == 0
    assert Incident.objects.changeable_by(vic).count() == 0
    uma.edit_scope = User.EditScope.CATEGORY
    assert Incident.objects.changeable_by(uma).count() == 1
