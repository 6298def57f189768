"""At most one open incident of a job and kind, whatever happens; each failure counts once; an end is told once."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Category, Team, User
from incidents import lifecycle
from incidents.models import Incident
from incidents.tests.factories import announced, concerned, fail, told, trouble
from jobs.tests.factories import moment
from notifications.models import Alert

NOW = moment("2026-03-01 10:00")
MINUTE = dt.timedelta(minutes=1)


def test_the_first_failure_opens_and_those_after_it_count(db: None) -> None:
    for number in range(3):
        incident = fail(NOW + number * MINUTE, error=f"\n  error {number}\nmore")
    assert Incident.objects.count() == 1
    incident.refresh_from_db()
    assert (incident.count, incident.error, incident.state) == (3, "error 2", "open")
    assert (incident.opened_at, incident.last_at) == (NOW, NOW + 2 * MINUTE)
    assert incident.first_run != incident.last_run


def test_the_same_run_counts_once(db: None) -> None:
    run = uuid.uuid4()
    for _ in range(2):
        fail(NOW, run=run)
    assert Incident.objects.get().count == 1


def test_the_database_holds_no_two_open_ones(db: None) -> None:
    first = fail(NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.create(
            kind="failing", subject="x", open_key=first.open_key, since=NOW, opened_at=NOW, last_at=NOW
        )


def test_kinds_and_jobs_have_incidents_of_their_own(db: None) -> None:
    fail(NOW)
    fail(NOW, kind=Incident.Kind.LOST)
    fail(NOW, concerned(uid=uuid.uuid4()))
    assert Incident.objects.open().count() == 3


def test_many_are_opened_and_counted_together(db: None, django_assert_max_num_queries: object) -> None:
    jobs = [concerned(uid=uuid.uuid4()) for _ in range(50)]
    some = [trouble(job, NOW, times=2) for job in jobs]
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        lifecycle.report_problems(some, NOW)
    lifecycle.report_problems([trouble(jobs[0], NOW)], NOW)
    assert sorted(Incident.objects.values_list("count", flat=True)) == [2] * 49 + [3]


def test_whoever_is_beaten_to_the_opening_counts(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two workers at once: the other one's is there when ours is to be written."""
    usual = lifecycle._counted
    turns: list[int] = []

    def beaten(*args: object) -> dict[str, Incident]:
        found = usual(*args)  # type: ignore[arg-type]
        if not turns:
            turns.append(1)
            fail(NOW)
        return found

    monkeypatch.setattr(lifecycle, "_counted", beaten)
    fail(NOW)
    assert Incident.objects.get().count == 2


def test_a_recovery_closes_it_and_is_told_with_how_long_it_lasted(db: None) -> None:
    incident = announced(NOW)
    assert lifecycle.recover(incident, NOW + 95 * MINUTE)
    assert not lifecycle.recover(incident, NOW + 96 * MINUTE)
    incident.refresh_from_db()
    assert (incident.state, incident.ending, incident.is_open) == ("closed", "recovered", False)
    assert told() == ["opened", "✅ Job Recovered: nightly"]
    mail = Alert.objects.get(channel="email", phase="recovered")
    assert "Lasted: 1 h 35 min" in mail.text
    assert mail.thread == f"incident:{incident.uid}"
    assert Alert.objects.get(channel="inbox", phase="recovered").recipients == ["category:1"]


def test_what_failed_again_meanwhile_is_not_over(db: None) -> None:
    incident = announced(NOW)
    fail(NOW + MINUTE)
    assert not lifecycle.recover(incident, NOW + 2 * MINUTE)
    assert told("recovered") == []


def test_after_its_end_the_next_failure_opens_another(db: None) -> None:
    lifecycle.recover(fail(NOW), NOW + MINUTE)
    second = fail(NOW + 2 * MINUTE)
    assert second.count == 1
    assert Incident.objects.count() == 2


def test_what_comes_and_goes_is_called_flapping_at_the_fourth_time(db: None) -> None:
    marks = []
    for number in range(4):
        incident = fail(NOW + number * 10 * MINUTE)
        marks.append(incident.flapping)
        lifecycle.recover(incident, NOW + (number * 10 + 5) * MINUTE)
    assert marks == [False, False, False, True]
    assert not fail(NOW + dt.timedelta(hours=14)).flapping
    assert not lifecycle.close_if_calm(incident, NOW + 35 * MINUTE)
    assert lifecycle.close_if_calm(incident, NOW + 60 * MINUTE)


def test_nobody_hears_of_the_end_of_what_nobody_heard_of(db: None) -> None:
    lifecycle.recover(fail(NOW), NOW + MINUTE)
    assert told() == []


def test_who_sees_the_job_sees_its_incidents(ada: User, uma: User, vic: User) -> None:
    other = Category.objects.create(name="Other")
    vic.category = other
    vic.save()
    fail(NOW, concerned(uma))
    lifecycle.report_problem(lifecycle.Problem(Incident.Kind.SYSTEM, "beat", NOW), NOW)
    seen = {user.username: Incident.objects.visible_to(user).count() for user in (ada, uma, vic)}
    assert seen == {"ada": 2, "uma": 1, "vic": 0}
    lifecycle.update_subject(concerned(uma, category_id=other.pk))
    assert Incident.objects.visible_to(vic).count() == 1


def test_mine_are_those_of_my_jobs_and_teams_and_what_is_assigned_to_me(
    ada: User, uma: User, vic: User
) -> None:
    team = Team.objects.create(name="Payments")
    team.members.add(vic)
    mine = fail(NOW, concerned(uma))
    teams = fail(NOW, concerned(ada, uid=uuid.uuid4(), team_id=team.pk))
    nobodys = fail(NOW, concerned(uid=uuid.uuid4()))
    Incident.objects.filter(pk=mine.pk).update(assignee=vic)

    def concerning(user: User) -> set[Incident]:
        return set(Incident.objects.open().concerning(user))

    assert concerning(uma) == {mine}
    assert concerning(vic) == {mine, teams}
    assert concerning(ada) == {teams, nobodys}


def test_a_deleted_job_closes_its_incidents_without_a_word(db: None) -> None:
    incident = announced(NOW)
    lifecycle.close_unwatched([incident.subject], Incident.Kind.values, Incident.Ending.JOB_DELETED, NOW)
    incident.refresh_from_db()
    assert (incident.state, incident.ending) == ("closed", "job_deleted")
    assert told("recovered") == []
