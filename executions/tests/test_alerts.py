"""Who is told how a run ended: after its last attempt, and nobody twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Team, User
from audit.record import Actor
from executions.alerting import alerts
from executions.ledger import claims, launch, outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution
from executions.tests.conftest import WORKER, Ledger
from executions.values import Claim
from jobs import verbs
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from notifications.models import Alert, SlackSettings

MAIL: dict[str, Any] = {
    "enable_email_notifications": True,
    "notification_emails": ["ops@example.com", "dev@example.com"],
}
FAILED = Outcome("failed", "Webhook returned status 500", retryable=False)


def started(ledger: Ledger, **changes: Any) -> tuple[Job, Claim]:
    job = make_job(due="2026-03-01 10:00", **changes)
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:02")
    return job, claim


def by_hand(ledger: Ledger, user: User, **changes: Any) -> Claim:
    run = launch.launch(make_job(**changes), by=Actor(user, "api"))
    (claim,) = claims.claim([str(run.uid)], WORKER, run.created_at)
    return claim


def end(claim: Claim, outcome: Outcome, now: str = "2026-03-01 10:00:12") -> None:
    assert outcomes.write([Report(claim, outcome)], WORKER, moment(now)) == [claim]


def told() -> dict[str, Alert]:
    """The alerts by channel; there must be one of each at most."""
    found = {alert.channel: alert for alert in Alert.objects.all()}
    assert len(found) == Alert.objects.count()
    return found


def switch_slack_on() -> None:
    SlackSettings(is_enabled=True, secrets={"webhook_url": "https://hooks.slack.com/x"}).save()


@pytest.mark.parametrize("state", ["failed", "timeout", "error"])
def test_a_failure_goes_to_the_addresses_of_the_job_and_to_those_who_see_it(
    ledger: Ledger, state: str
) -> None:
    job, claim = started(ledger, name="sync", **MAIL)
    end(claim, Outcome(state, "Webhook returned status 500", retryable=False))  # type: ignore[arg-type]
    alerts = told()
    assert set(alerts) == {"email", "inbox"}
    mail, inbox = alerts["email"], alerts["inbox"]
    assert mail.recipients == MAIL["notification_emails"]
    assert mail.subject == "🔴 Job Failure Alert: sync"
    assert "Error: Webhook returned status 500" in mail.text
    assert mail.link.endswith(f"/executions/{claim.uid}")
    assert inbox.recipients == [f"category:{job.category_id}"]
    assert (inbox.subject, inbox.text) == ("Job Failed", "Job 'sync' failed: Webhook returned status 500")
    assert (str(inbox.execution_uid), inbox.job_uid) == (claim.uid, job.uid)


def test_slack_hears_of_it_and_the_team_is_addressed(ledger: Ledger) -> None:
    switch_slack_on()
    team = Team.objects.create(name="Payments", slack_handle="S0123ABCD")
    _, claim = started(ledger, team=team.pk)
    end(claim, FAILED)
    assert told()["slack"].text.startswith("<!subteam^S0123ABCD> *🔴 Job Failure Alert: hourly*")


def test_without_addresses_nobody_gets_mail(ledger: Ledger) -> None:
    _, claim = started(ledger)
    end(claim, FAILED)
    assert set(told()) == {"inbox"}


def test_only_the_last_attempt_is_told(ledger: Ledger) -> None:
    job, claim = started(ledger, max_attempts=2, **MAIL)
    end(claim, Outcome("failed", "first"))
    assert told() == {}
    (second,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 11:00:00")
    end(second, Outcome("timeout", "second"), "2026-03-01 11:00:05")
    assert "Error: second" in told()["email"].text


def test_a_stopped_run_tells_nobody(ledger: Ledger) -> None:
    _, claim = started(ledger, finish_by=1, **MAIL)
    end(claim, Outcome("stopped"))
    assert told() == {}


def test_a_success_is_told_where_it_was_asked_for(ledger: Ledger) -> None:
    _, claim = started(ledger, notify_on_success=True, **MAIL)
    end(claim, Outcome("success"))
    mail = told()["email"]
    assert mail.subject == "✅ Job Success: hourly"
    assert "Duration: 10.00 seconds" in mail.text
    assert told()["inbox"].subject == "Job Completed"


def test_a_success_that_nobody_asked_for_costs_no_query(ledger: Ledger) -> None:
    _, claim = started(ledger, start_by=60, finish_by=60, **MAIL)
    with CaptureQueriesContext(connection) as queries:
        alerts.run_ended(claim, Outcome("success"), "", moment("2026-03-01 10:00:12"))
    assert len(queries) == 0
    assert told() == {}


def test_every_success_may_be_put_into_the_inbox(ledger: Ledger, settings: Settings) -> None:
    settings.INBOX_EVERY_RUN = True
    _, claim = started(ledger, **MAIL)
    end(claim, Outcome("success"))
    assert set(told()) == {"inbox"}


@pytest.mark.parametrize(
    ("outcome", "title"), [(FAILED, "Job Failed"), (Outcome("success"), "Job Completed")]
)
def test_runs_by_hand_are_told_in_the_inbox_only(
    ledger: Ledger, ada: User, outcome: Outcome, title: str
) -> None:
    switch_slack_on()
    claim = by_hand(ledger, ada, **MAIL)
    end(claim, outcome, "2026-11-21 12:00:00")
    assert [alert.subject for alert in told().values()] == [title]
    assert set(told()) == {"inbox"}


def test_an_outcome_that_comes_too_late_tells_nobody(ledger: Ledger) -> None:
    _, claim = started(ledger, **MAIL)
    Execution.objects.update(state="lost")
    assert outcomes.write([Report(claim, FAILED)], WORKER, moment("2026-03-01 10:05")) == []
    assert told() == {}


def test_the_same_end_is_told_once(ledger: Ledger) -> None:
    _, claim = started(ledger, **MAIL)
    for _ in range(2):
        alerts.run_ended(claim, FAILED, "boom", moment("2026-03-01 10:00:12"))
    assert set(told()) == {"email", "inbox"}


def test_a_job_that_was_deleted_meanwhile_tells_nobody(ledger: Ledger) -> None:
    job, claim = started(ledger, **MAIL)
    verbs.delete(job, by=Actor.system())
    alerts.run_ended(claim, FAILED, "boom", moment("2026-03-01 10:00:12"))
    assert told() == {}


def test_secrets_are_masked_and_odd_characters_removed(ledger: Ledger) -> None:
    _, claim = started(ledger, secrets={"signing_key": "canary-4711"}, **MAIL)
    end(claim, Outcome("failed", "bad canary-4711\0\ud800", retryable=False))
    for alert in told().values():
        assert "canary" not in alert.text + alert.html
        assert "\0" not in alert.text + alert.html


@pytest.mark.parametrize("damage", [{"alerts": "x"}, {"alerts": {"emails": 5}}, {"start_by": "soon"}])
def test_a_damaged_definition_ends_like_any_other(ledger: Ledger, damage: dict[str, Any]) -> None:
    job, claim = started(ledger)
    claim.policy.update(damage)
    end(claim, FAILED)
    assert ledger.fates(job) == ["10:00 failed"]


def test_what_goes_wrong_with_telling_does_not_undo_the_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(alerts, "_tell_end", broken)
    job, claim = started(ledger, **MAIL)
    end(claim, FAILED)
    assert ledger.fates(job) == ["10:00 failed"]
