"""What is said of a failed run: how often in a row, since when, what was changed meanwhile, and the end of its log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from accounts.models import User
from audit.models import Entry
from executions.alerting import alert_texts
from executions.alerting.cause import LONGEST_LINE, cause, last_lines
from executions.ledger import outcomes
from executions.ledger.outcomes import Report
from executions.models import Execution, LogChunk, State
from executions.tests.conftest import WORKER, Ledger
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from notifications.channels import slack
from notifications.models import Alert

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
NOON = moment("2026-03-01 12:00")


def run(job: Job, hours: float, state: str = "failed", **values: Any) -> Execution:
    """A run that was due `hours` before noon, and ended at once."""
    at = NOON - hours * HOUR
    usual = {
        "job_name": job.name,
        "job_uid": job.uid,
        "kind": job.kind,
        "category": job.category,
        "due_at": at,
    }
    usual |= {"trigger": "scheduled", "created_at": at, "finished_at": at, "attempt": 1, "state": state}
    return Execution.objects.create(job=job, **(usual | values))


def wrote(execution: Execution, *pieces: str, attempt: int = 1) -> None:
    for text in pieces:
        LogChunk.objects.create(execution=execution, attempt=attempt, at=NOON, text=text)


def version(job: Job, number: int, hours: float, by: str = "ada") -> None:
    """Written as the trail would have it: entries are never changed."""
    Entry.objects.create(
        at=NOON - hours * HOUR,
        event=Entry.Event.MODIFIED,
        actor_name=by,
        surface="api",
        object_type="job",
        object_uid=job.uid,
        object_name=job.name,
        version=number,
        snapshot={},
    )


def test_the_sentence_says_the_error_how_often_since_when_and_what_was_changed() -> None:
    job = make_job()
    run(job, 72, "success")
    version(job, 7, 25)
    for hours, state in ((3, "timeout"), (2, "lost"), (1.5, "skipped"), (1, "error")):
        run(job, hours, state)
    found = cause(run(job, 0, error="\n\x1b[31mValueError: boom\x1b[0m\nat line 3"))
    assert (found.in_a_row, found.last_success) == (4, NOON - 72 * HOUR)
    assert found.changed_version is not None
    assert found.changed_version.version == 7
    assert str(found.summary) == (
        "ValueError: boom; failure 4 in a row; last success 3 days ago; changed in version 7 a day ago by ada"
    )
    with override("zh-hant"):
        assert "連續第 4 次失敗" in str(found.summary)


def test_what_came_before_the_last_success_or_after_the_run_is_not_told() -> None:
    job = make_job()
    version(job, 5, 30)
    run(job, 24, "success")
    failed = run(job, 1, error="boom")
    version(job, 6, 0.5)
    run(job, 0, "success")
    run(job, 0)
    found = cause(failed)
    assert (found.in_a_row, found.changed_version) == (1, None)
    assert str(found.summary) == "boom; last success 23 h ago"


def test_a_job_that_never_succeeded_says_so() -> None:
    assert str(cause(run(make_job(), 0)).summary) == "no error was given; never succeeded before"


def test_after_very_many_failures_at_least_so_many_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.alerting.cause.LOOKED_AT", 3)
    job = make_job()
    run(job, 9, "success")
    for hours in range(5, 0, -1):
        run(job, hours)
    found = cause(run(job, 0, error="boom"))
    assert str(found.summary) == "boom; failure 3+ in a row; last success 9 h ago"


def test_a_run_whose_job_is_gone_is_told_by_itself() -> None:
    failed = run(make_job(), 0, error="boom")
    Execution.objects.update(job=None)
    failed.refresh_from_db()
    assert str(cause(failed).summary) == "boom"


def test_an_answer_over_http_is_quoted() -> None:
    failed = run(make_job(), 0, error="Webhook returned status 500", response_status=500)
    wrote(failed, "\n too many clients already\n\n")
    assert cause(failed).error == "HTTP 500: “too many clients already”"


def test_the_last_lines_are_inert_and_bounded() -> None:
    failed = run(make_job(), 0, attempt=2)
    wrote(failed, "first attempt\n")
    lines = [f"line {number}\r\n" for number in range(20)]
    wrote(
        failed,
        *lines,
        "\x1b]0;title\x07\x1b[1;31mred\x1b[0m\u202e\x07\n",
        "10 %\r20 %\r30 %\n",
        "x" * 9000,
        attempt=2,
    )
    found = last_lines(failed)
    assert found == (f"{'x' * (LONGEST_LINE - 1)}…",)
    wrote(failed, "\nred\x1b[0m\u202e\x07\n", "10 %\r20 %\r30 %\n\n  indented\n", attempt=2)
    assert last_lines(failed) == ("red", "30 %", "  indented")
    short = run(make_job(name="short"), 0)
    wrote(short, *lines)
    assert last_lines(short) == tuple(f"line {number}" for number in range(10, 20))


def test_it_asks_little_of_the_database() -> None:
    job = make_job()
    run(job, 5, "success")
    failed = run(job, 0)
    with CaptureQueriesContext(connection) as queries:
        cause(failed)
    assert len(queries) == 3


def test_the_mail_about_a_failure_has_the_output_that_came_with_its_end(ledger: Ledger, ada: User) -> None:
    job = make_job(
        ada,
        due="2026-03-01 10:00",
        enable_email_notifications=True,
        notification_emails=["ops@example.com"],
    )
    run(job, 26, "success")
    run(job, 3)
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:02")
    end = Outcome("failed", "boom", retryable=False, output="<b>the last words</b>\n")
    outcomes.write([Report(claim, "hello\n"), Report(claim, end)], WORKER, moment("2026-03-01 10:00:12"))
    mail = Alert.objects.get(channel="email")
    assert "Failures in a row: 2\n" in mail.text
    assert "(a day ago)" in mail.text
    assert "Last lines of the log\n    hello\n    <b>the last words</b>\n" in mail.text
    assert "&lt;b&gt;the last words&lt;/b&gt;" in mail.html
    assert Execution.objects.get(uid=claim.uid).state == State.FAILED


def test_no_line_of_a_log_gets_out_of_the_code_block_of_slack() -> None:
    failed = run(make_job(), 0)
    wrote(failed, "``` <!channel> ```\n")
    message = alert_texts.failed("job", "uid", "run", "boom", cause=cause(failed))
    assert "```''' &lt;!channel&gt; '''```" in slack.said(message)
