"""Old rows go, in batches; what is still needed stays."""

from __future__ import annotations

import pytest
from django_celery_beat.models import CrontabSchedule

from accounts.models import User
from executions import prune
from executions.models import Execution, LogChunk
from executions.tests.conftest import Ledger
from jobs.tests.factories import make_job, moment
from notifications import inbox
from notifications.messages import Message
from notifications.models import Alert, Notification
from notifications.post import compose


def test_ended_runs_beyond_their_retention_go_with_their_output(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)
    job = make_job(due="2026-03-01 00:00", catch_up="all", start_deadline=10**6, overlap="allow")
    ledger.tick("2026-03-01 09:00:01")
    Execution.objects.update(state="success")
    old = Execution.objects.order_by("due_at").first()
    assert old is not None
    LogChunk.objects.create(execution=old, attempt=1, at=moment("2026-03-01 00:00"), text="old")
    assert prune.prune(moment("2026-05-30 05:30")) == 6
    assert ledger.fates(job) == ["06:00 success", "07:00 success", "08:00 success", "09:00 success"]
    assert not LogChunk.objects.exists()


def test_runs_that_have_not_ended_stay_however_old(ledger: Ledger) -> None:
    job = make_job(due="2020-03-01 00:00")
    ledger.tick("2020-03-01 00:00:01")
    prune.prune(moment("2026-05-30 05:30"))
    assert len(ledger.rows(job)) == 1


def test_the_newest_run_of_each_job_stays_so_that_a_yearly_job_shows_how_it_ended(ledger: Ledger) -> None:
    job = make_job(due="2020-03-01 00:00")
    ledger.tick("2020-03-01 00:00:01")
    Execution.objects.update(state="failed")
    prune.prune(moment("2026-05-30 05:30"))
    assert ledger.fates(job) == ["00:00 failed"]


def test_schedules_that_nobody_uses_go(db: None) -> None:
    make_job(expression="1 2 3 4 *")
    CrontabSchedule.objects.create(minute="59", hour="23")
    prune.prune()
    assert [row.minute for row in CrontabSchedule.objects.all()] == ["1"]


def test_old_alerts_and_notifications_go_but_not_what_still_waits(ada: User) -> None:
    now, message = moment("2026-03-01 00:00"), Message("subject", "heading")
    for key, state in (("done", "delivered"), ("open", "pending")):
        alert = compose(key, Alert.Event.TEST, Alert.Channel.INBOX, message, now)
        alert.state = Alert.State(state)
        alert.save()
    inbox.tell(User.objects.all(), "old", "", Notification.Type.INFO, now=now)
    prune.prune(moment("2026-06-30 00:00"))
    assert [alert.state for alert in Alert.objects.all()] == ["pending"]
    assert not Notification.objects.exists()
