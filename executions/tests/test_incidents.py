"""How runs and clocks open incidents and close them, and that people are told of each once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from audit.record import Actor
from executions.alerting import incident_triggers
from executions.ledger import claims, launch, outcomes
from executions.ledger.outcomes import Report
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_conditions import MAIL, look, lose_all, system
from executions.values import Claim
from incidents import verbs as incident_verbs
from incidents.models import Incident
from jobs import verbs
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from notifications.models import Alert

FAILED = Outcome("failed", "Webhook returned status 500", retryable=False)
WELL = Outcome("success")


def end(claim: Claim, outcome: Outcome, now: str) -> None:
    assert outcomes.write([Report(claim, outcome)], WORKER, moment(now)) == [claim]


def course(ledger: Ledger, job: Job, ends: str, hour: int = 10) -> None:
    """One run an hour, from `hour` on, which fails (`f`) or succeeds (`s`)."""
    for number, sign in enumerate(ends, hour):
        ledger.tick(f"2026-03-01 {number}:00:01")
        waiting = [row for row in ledger.rows(job) if row.state == "queued"]
        (claim,) = ledger.claim(waiting[-1], f"2026-03-01 {number}:00:02")
        end(claim, FAILED if sign == "f" else WELL, f"2026-03-01 {number}:00:12")


def mails() -> list[str]:
    return list(Alert.objects.filter(channel="email").order_by("pk").values_list("subject", flat=True))


FAILURE, RECOVERY = "🔴 Job Failure Alert: hourly", "✅ Job Recovered: hourly"


def hourly(**changes: Any) -> Job:
    return make_job(due="2026-03-01 10:00", **(MAIL | changes))


def test_failures_in_a_row_are_one_message_and_their_end_another(ledger: Ledger) -> None:
    job = hourly()
    course(ledger, job, "fffs")
    assert mails() == [FAILURE, RECOVERY]
    incident = Incident.objects.get()
    assert (incident.kind, incident.count, incident.state) == ("failing", 3, "closed")
    assert incident.error == "Webhook returned status 500"
    assert incident.first_run == ledger.rows(job)[0].uid
    threads = set(Alert.objects.values_list("thread", "phase"))
    assert threads == {(f"incident:{incident.uid}", phase) for phase in ("opened", "recovered")}
    assert Alert.objects.filter(channel="inbox").count() == 2


def test_a_job_says_after_how_many_failures_and_successes(ledger: Ledger) -> None:
    job = hourly(open_after_failures=2, close_after_successes=2)
    course(ledger, job, "fsf")
    assert mails() == []
    course(ledger, job, "fs", 13)
    assert mails() == [FAILURE]
    course(ledger, job, "fss", 15)
    assert mails() == [FAILURE, RECOVERY]
    assert Incident.objects.get().count == 2


def test_a_job_may_tell_each_failed_run(ledger: Ledger) -> None:
    course(ledger, hourly(tell_each_run=True), "ffs")
    assert mails() == [FAILURE, FAILURE, RECOVERY]
    phases = list(Alert.objects.filter(channel="email").order_by("pk").values_list("phase", flat=True))
    assert phases == ["opened", "", "recovered"]


def test_inboxes_may_get_every_run(ledger: Ledger, settings: Settings) -> None:
    settings.INBOX_EVERY_RUN = True
    course(ledger, hourly(), "ffs")
    titles = Alert.objects.filter(channel="inbox").order_by("pk").values_list("subject", flat=True)
    assert list(titles) == ["Job Failed", "Job Failed", "Job Completed"]
    assert mails() == [FAILURE, RECOVERY]


def test_a_run_by_hand_opens_it_without_mail_and_the_next_scheduled_one_tells(
    ledger: Ledger, ada: User
) -> None:
    job = hourly()
    run = launch.launch(job, by=Actor(ada, "api"))
    (claim,) = claims.claim([str(run.uid)], WORKER, moment("2026-03-01 09:00"))
    end(claim, FAILED, "2026-03-01 09:00:05")
    assert Incident.objects.get().announced_at is None
    assert mails() == []
    course(ledger, job, "f")
    assert mails() == [FAILURE]
    assert Incident.objects.get().count == 2


def test_what_comes_and_goes_is_said_once_and_its_end_when_it_stays_away(ledger: Ledger) -> None:
    job = hourly()
    course(ledger, job, "fsfsfs" + "fs", 10)
    assert mails() == [FAILURE, RECOVERY] * 3 + ["🟠 Job Flapping: hourly"]
    course(ledger, job, "ffs", 18)
    assert len(mails()) == 7
    course(ledger, job, "ss", 21)
    assert mails()[7:] == [RECOVERY]


def test_a_success_of_a_healthy_job_asks_nothing_about_incidents(ledger: Ledger) -> None:
    job = hourly()
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:02")
    with CaptureQueriesContext(connection) as asked:
        end(claim, WELL, "2026-03-01 10:00:12")
    assert [query["sql"] for query in asked if "incident" in query["sql"]] == []


def test_what_a_worker_left_open_the_reconciler_closes(ledger: Ledger) -> None:
    """A run that was claimed before another of the job failed does not know of the incident."""
    job = hourly(overlap="allow", start_deadline=7200)
    ledger.tick("2026-03-01 10:00:01")
    ledger.tick("2026-03-01 11:00:01")
    first, second = ledger.rows(job)
    (early,) = ledger.claim(second, "2026-03-01 11:00:02")
    (late,) = ledger.claim(first, "2026-03-01 11:00:02")
    end(late, FAILED, "2026-03-01 11:00:03")
    end(early, WELL, "2026-03-01 11:00:04")
    assert Incident.objects.open().exists()
    incident_triggers.look_after(moment("2026-03-01 11:00:10"))
    incident_triggers.look_after(moment("2026-03-01 11:00:20"))
    assert mails() == [FAILURE, RECOVERY]


def test_a_lost_worker_is_an_incident_that_the_next_good_run_closes(ledger: Ledger) -> None:
    job = hourly()
    ledger.tick("2026-03-01 10:00:01")
    ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:02")
    lose_all("2026-03-01 10:01")
    assert Incident.objects.get().kind == "lost"
    assert look("2026-03-01 10:01:20") == [FAILURE]
    course(ledger, job, "s", 11)
    assert mails() == [FAILURE, RECOVERY]


def test_a_late_job_is_an_incident_until_a_run_is_on_time(ledger: Ledger) -> None:
    job = hourly(start_by=60)
    ledger.tick("2026-03-01 10:00:01")
    assert look("2026-03-01 10:02") == ["🟠 Job Late: hourly"]
    assert Incident.objects.get().kind == "late"
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:03")
    end(claim, WELL, "2026-03-01 10:03:05")
    course(ledger, job, "s", 11)
    assert look("2026-03-01 11:00:20") == [RECOVERY]
    assert Incident.objects.get().ending == "recovered"
    assert Alert.objects.filter(channel="email", phase="recovered").count() == 1


def test_what_was_closed_by_hand_does_not_recover(ledger: Ledger, ada: User) -> None:
    job = hourly(start_by=60)
    ledger.tick("2026-03-01 10:00:01")
    look("2026-03-01 10:02")
    incident_verbs.close(Incident.objects.get(), by=Actor(ada, "page"))
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:03")
    end(claim, WELL, "2026-03-01 10:03:05")
    course(ledger, job, "s", 11)
    assert look("2026-03-01 11:00:20") == []


def test_a_muted_job_opens_incidents_without_a_message(ledger: Ledger, ada: User) -> None:
    job = hourly()
    course(ledger, job, "f")
    incident_verbs.mute(Incident.objects.get(), None, by=Actor(ada, "page"))
    course(ledger, job, "fsfs", 11)
    assert mails() == [FAILURE]
    assert Incident.objects.count() == 2


def test_a_job_that_changes_hands_takes_its_incidents_along(ledger: Ledger, uma: User) -> None:
    job = hourly()
    course(ledger, job, "f")
    verbs.update(job, verbs.JobChanges(values={"name": "renamed"}), by=Actor(uma, "page"))
    assert Incident.objects.get().job_name == "renamed"
    verbs.delete(job, by=Actor(uma, "page"))
    assert Incident.objects.get().ending == "job_deleted"


def test_a_part_of_the_system_that_is_silent_is_an_incident(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in (0, 20, 30):
        system("beat", False, f"2026-03-01 10:00:{second:02}", monkeypatch)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.job_uid) == ("system", "beat", None)
    system("beat", True, "2026-03-01 10:05", monkeypatch)
    incident.refresh_from_db()
    assert incident.ending == "recovered"
    assert set(Alert.objects.values_list("phase", flat=True)) == {"opened", "recovered"}
