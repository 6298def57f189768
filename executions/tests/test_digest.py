"""Who asked for it gets one message a day about what is not healthy, and none when all is well."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import Preferences, User
from executions.upkeep import digest
from incidents.tests.factories import concerned, fail
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from notifications.models import Alert

# 08:00 and 07:59 in Tokyo.
EIGHT, BEFORE = moment("2026-03-01 23:00"), moment("2026-03-01 22:59")


def wants(*users: User) -> None:
    for user in users:
        Preferences.objects.create(user=user, daily_digest=True)


def digests() -> list[Alert]:
    return list(Alert.objects.filter(event="digest").order_by("pk"))


@pytest.fixture
def _mail(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.MAIL_ENABLED = "mail.example.com", True


@pytest.mark.usefixtures("_mail")
def test_once_a_day_from_eight_in_the_schedulers_zone(ada: User, uma: User, vic: User) -> None:
    wants(ada, uma)
    make_job(uma, name="orphan")
    Job.objects.update(owner=None)
    fail(moment("2026-03-01 20:00"), concerned(uma))
    digest.send(BEFORE)
    assert digests() == []
    for _ in range(2):
        digest.send(EIGHT)
    for_ada, for_uma = digests()
    assert (for_ada.recipients, for_uma.recipients) == (["ada@example.com"], ["uma@example.com"])
    assert for_ada.subject == "Belfry today: open incidents: 1, jobs without an active owner: 1"
    assert for_uma.subject == "Belfry today: open incidents: 1"
    assert "nightly: failing, for 3 h 0 min, 1×" in for_uma.text
    assert "orphan" in for_ada.text
    assert "orphan" not in for_uma.text
    digest.send(moment("2026-03-02 23:00"))
    assert len(digests()) == 4


def test_without_a_mail_server_it_comes_by_inbox(uma: User) -> None:
    wants(uma)
    fail(moment("2026-03-01 20:00"), concerned(uma))
    digest.send(EIGHT)
    (only,) = digests()
    assert (only.channel, only.recipients) == ("inbox", [f"user:{uma.uid}"])


def test_nothing_is_said_when_all_is_well(ada: User, uma: User) -> None:
    wants(ada, uma)
    digest.send(EIGHT)
    assert digests() == []
