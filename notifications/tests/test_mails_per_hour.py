"""Mails beyond the limit of a job or an account are held back, and become one mail when there is room again."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter

import pytest
from pytest_django import Settings

from notifications.delivery import deliver, mail_limits
from notifications.delivery.outbox import AlertSubject, compose, post
from notifications.messages import Message
from notifications.models import Alert
from notifications.tests.conftest import Postbox

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
JOB, ACCOUNT = uuid.uuid4(), uuid.uuid4()


def write(number: int, *recipients: str, job: uuid.UUID = JOB, at: dt.datetime = NOW) -> None:
    about = AlertSubject(job, "nightly", account_uid=ACCOUNT)
    message = Message(f"Failed {number}: nightly", "It failed", [], path="/x")
    to = recipients or ("ops@example.com",)
    post(
        [
            compose(
                f"{job} {number}",
                Alert.Event.JOB_FAILED,
                Alert.Channel.EMAIL,
                message,
                at,
                recipients=to,
                about=about,
            )
        ]
    )


def states() -> Counter[str]:
    return Counter(Alert.objects.values_list("state", flat=True))


def test_mails_beyond_the_limit_wait_and_become_one_mail(postbox: Postbox, settings: Settings) -> None:
    settings.MAILS_PER_HOUR_PER_JOB = 2
    for number in range(6):
        write(number)
        deliver.deliver_due(NOW)
    assert len(postbox.mails) == 2
    assert states() == {"delivered": 2, "pending": 4}
    held = Alert.objects.filter(state="pending").first()
    assert held is not None
    assert "MAILS_PER_HOUR_PER_JOB" in held.last_error
    deliver.deliver_due(NOW + dt.timedelta(minutes=30))
    assert len(postbox.mails) == 2
    deliver.deliver_due(NOW + HOUR)
    deliver.deliver_due(NOW + HOUR)
    summary = postbox.mails[-1]
    assert (len(postbox.mails), summary["Subject"]) == (3, "4 messages about the job “nightly”")
    text = summary.get_content()
    assert [number for number in range(6) if f"Failed {number}: nightly" in text] == [2, 3, 4, 5]
    assert states() == {"delivered": 3, "summarised": 4}


def test_one_that_waited_alone_is_sent_as_it_is(postbox: Postbox, settings: Settings) -> None:
    settings.MAILS_PER_HOUR_PER_JOB = 1
    for number in range(2):
        write(number)
    deliver.deliver_due(NOW)
    deliver.deliver_due(NOW + HOUR)
    assert [mail["Subject"] for mail in postbox.mails] == ["Failed 0: nightly", "Failed 1: nightly"]


def test_mails_of_all_jobs_of_an_account_count_together(postbox: Postbox, settings: Settings) -> None:
    settings.MAILS_PER_HOUR_PER_ACCOUNT = 3
    for number in range(5):
        write(number, job=uuid.uuid4())
    deliver.deliver_due(NOW)
    assert states() == {"delivered": 3, "pending": 2}
    other = compose(
        "other", Alert.Event.TEST, Alert.Channel.EMAIL, Message("x", "x"), NOW, recipients=["a@example.com"]
    )
    post([other])
    deliver.deliver_due(NOW)
    assert len(postbox.mails) == 4


def test_every_recipient_counts(postbox: Postbox, settings: Settings) -> None:
    settings.MAILS_PER_HOUR_PER_JOB = 5
    many = [f"user{number}@example.com" for number in range(4)]
    write(1, *many)
    write(2, *many)
    deliver.deliver_due(NOW)
    assert states() == {"delivered": 1, "pending": 1}


@pytest.mark.parametrize("end", ["delivered", "undeliverable"])
def test_what_others_are_sending_counts_until_it_is_known_whether_it_arrived(
    postbox: Postbox, settings: Settings, end: str
) -> None:
    settings.MAILS_PER_HOUR_PER_ACCOUNT = 1
    write(1)
    theirs = Alert.objects.get()
    Alert.objects.filter(pk=theirs.pk).update(state="sending", attempts=1, next_attempt_at=NOW + HOUR)
    write(2, job=uuid.uuid4())
    deliver.deliver_due(NOW)
    ours = Alert.objects.exclude(pk=theirs.pk).get()
    assert (ours.state, len(postbox.mails)) == ("pending", 0)
    assert "being sent" in ours.last_error
    Alert.objects.filter(pk=theirs.pk).update(state=end, delivered_at=NOW, next_attempt_at=None)
    deliver.deliver_due(NOW + dt.timedelta(seconds=3))
    ours.refresh_from_db()
    assert ours.state == ("pending" if end == "delivered" else "delivered")
    assert ours.last_error.startswith("held back") == (end == "delivered")


def test_a_mail_that_another_process_has_taken_over_is_not_sent_by_the_one_before(
    postbox: Postbox, settings: Settings
) -> None:
    settings.MAILS_PER_HOUR_PER_JOB = 1
    for number in range(2):
        write(number)
    deliver.deliver_due(NOW)
    ours = Alert.objects.get(state="pending")
    Alert.objects.filter(pk=ours.pk).update(state="sending", attempts=ours.attempts + 2)
    assert mail_limits.held(ours, NOW)
    theirs = Alert.objects.get(pk=ours.pk)
    assert (theirs.state, theirs.attempts) == ("sending", ours.attempts + 2)
