"""Missed, lost, late, too long: told once for each change of state, and once when it is over."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.record import Actor
from executions.ledger import outcomes
from executions.ledger.lost import give_up
from executions.ledger.outcomes import Report
from executions.models import AlertCondition, Execution, PendingAlert, Reason
from executions.monitoring import health
from executions.tests.conftest import WORKER, Ledger
from executions.upkeep import conditions, end_dates, reconcile, self_monitoring
from jobs import verbs
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from notifications.delivery.deliver import deliver_due
from notifications.models import Alert, SlackSettings
from notifications.tests.test_deliver import together

MAIL: dict[str, Any] = {"enable_email_notifications": True, "notification_emails": ["ops@example.com"]}


def look(now: str) -> list[str]:
    """Takes a look; the subjects of the mails and what kind of event they tell, as far as they are new."""
    before = set(Alert.objects.values_list("pk", flat=True))
    conditions.look(moment(now), settled=False)
    fresh = Alert.objects.filter(channel="email").exclude(pk__in=before).order_by("pk")
    return [alert.subject for alert in fresh]


def run(ledger: Ledger, job: Job, start: str, end: str = "") -> None:
    """Starts the job's newest run, and ends it well when an `end` is given."""
    (claim,) = ledger.claim(ledger.rows(job)[-1], start)
    if end:
        outcomes.write([Report(claim, Outcome("success"))], WORKER, moment(end))


# Missed --------------------------------------------------------------------------------------------------------------


def test_a_missed_due_time_is_told_once_and_so_is_the_next_that_runs(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", catch_up="skip", name="sync", **MAIL)
    ledger.tick("2026-03-01 10:30")
    assert ledger.fates(job) == ["10:00 missed down"]
    assert look("2026-03-01 10:30:05") == []
    assert look("2026-03-01 10:30:11") == ["🔴 Job Missed: sync"]
    assert look("2026-03-01 10:30:21") == []
    ledger.tick("2026-03-01 11:30")
    assert look("2026-03-01 11:30:11") == []
    ledger.tick("2026-03-01 12:00")
    run(ledger, job, "2026-03-01 12:00:01")
    assert look("2026-03-01 12:00:10") == ["✅ Job Recovered: sync"]
    assert look("2026-03-01 12:00:20") == []


def test_a_run_that_waited_too_long_for_a_worker_is_told_as_missed(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", start_deadline=60, **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    reconcile.end_unstartable(moment("2026-03-01 10:01:02"))
    assert ledger.fates(job) == ["10:00 missed deadline"]
    assert look("2026-03-01 10:01:30") == ["🔴 Job Missed: hourly"]


def test_due_times_that_were_made_up_for_are_told_but_not_their_recovery(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 08:00", name="sync", **MAIL)
    ledger.tick("2026-03-01 10:10")
    run(ledger, job, "2026-03-01 10:10:01")
    assert look("2026-03-01 10:10:30") == ["🔴 Job Missed: sync"]
    assert "2 of 2 covered by one run" in Alert.objects.get(channel="email").text
    assert look("2026-03-01 10:10:40") == []
    assert not AlertCondition.objects.exists()


def test_after_an_outage_each_recipient_gets_one_message(ledger: Ledger, ada: User, uma: User) -> None:
    for number in range(5):
        make_job(uma, name=f"job {number}", due="2026-03-01 08:00", catch_up="skip", **MAIL)
    ledger.tick("2026-03-01 10:10")
    (subject,) = look("2026-03-01 10:10:30")
    assert subject.startswith("🔴 15 due times were missed between 2026-03-01 17:00:00 Asia/Tokyo and")
    mail = Alert.objects.get(channel="email")
    assert mail.recipients == ["ops@example.com"]
    assert "job 0: 3" in mail.text
    inboxes = Alert.objects.filter(channel="inbox")
    assert sorted(one for alert in inboxes for one in alert.recipients) == sorted(
        [f"user:{ada.uid}", f"user:{uma.uid}"]
    )
    ledger.tick("2026-03-01 11:00")
    for job in Job.objects.all():
        run(ledger, job, "2026-03-01 11:00:01")
    assert look("2026-03-01 11:00:20") == []
    assert not AlertCondition.objects.exists()


def test_in_a_summary_nobody_reads_of_the_jobs_of_others(ledger: Ledger, ada: User, uma: User) -> None:
    SlackSettings(is_enabled=True, secrets={"webhook_url": "https://hooks.slack.com/x"}).save()
    for number in range(5):
        mail = MAIL | {
            "notification_emails": [
                f"{'few' if number < 2 else 'one' if number < 3 else 'other'}@example.com"
            ]
        }
        owner = uma if number == 4 else ada
        make_job(owner, name=f"job {number}", due="2026-03-01 08:00", catch_up="skip", **mail)
    ledger.tick("2026-03-01 10:10")
    look("2026-03-01 10:10:30")
    told = {str((alert.recipients or [alert.channel])[0]): alert for alert in Alert.objects.all()}
    assert set(told) == {
        *("slack", "few@example.com", "one@example.com", "other@example.com"),
        *(f"user:{ada.uid}", f"user:{uma.uid}"),
    }
    assert told["few@example.com"].subject == "🔴 2 of your jobs: Job Missed"
    assert told["one@example.com"].subject == "🔴 Job Missed: job 2"
    assert "job 4" in told[f"user:{uma.uid}"].text
    for name in ("few@example.com", "one@example.com", f"user:{uma.uid}"):
        assert "job 3" not in told[name].text
    for number in range(5):
        assert f"job {number}" in told["slack"].text
        assert f"job {number}" in told[f"user:{ada.uid}"].text


def test_many_recoveries_are_one_message(ledger: Ledger) -> None:
    for number in range(5):
        make_job(name=f"job {number}", due="2026-03-01 10:00", finish_by=2, **MAIL)
    AlertCondition.objects.bulk_create(
        AlertCondition(
            subject=str(job.uid),
            kind="overrun",
            job=job,
            since=moment("2026-03-01 09:00"),
            told_at=job.created_at,
        )
        for job in Job.objects.all()
    )
    ledger.tick("2026-03-01 10:00")
    for job in Job.objects.all():
        run(ledger, job, "2026-03-01 10:00:01", "2026-03-01 10:00:02")
    assert look("2026-03-01 10:00:10") == ["✅ 5 jobs have recovered"]


def test_due_times_that_a_busy_minute_runs_together_are_nobodys_business(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", expression="* * * * *", **MAIL)
    ledger.tick("2026-03-01 10:01")
    assert ledger.fates(job) == ["10:00 skipped coalesced", "10:01 queued"]
    assert not PendingAlert.objects.exists()


def test_a_skip_by_the_jobs_own_rule_is_told_to_nobody(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    run(ledger, job, "2026-03-01 10:00:02")
    ledger.tick("2026-03-01 11:00:01")
    assert ledger.fates(job)[-1] == "11:00 skipped overlap"
    assert look("2026-03-01 11:01") == []
    assert not PendingAlert.objects.exists()


def test_a_tick_without_missed_times_writes_nothing_about_them(ledger: Ledger) -> None:
    make_job(due="2026-03-01 10:00", **MAIL)
    with CaptureQueriesContext(connection) as queries:
        ledger.tick("2026-03-01 10:00:01")
    assert not [query for query in queries if "untold" in query["sql"]]


# Lost ----------------------------------------------------------------------------------------------------------------


def lose_all(now: str) -> None:
    for found in Execution.objects.running():
        give_up(Execution.objects.filter(pk=found.pk), Reason.LOST, moment(now))


def test_a_lost_run_is_told_like_a_failure(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", name="sync", **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    run(ledger, job, "2026-03-01 10:00:02")
    lose_all("2026-03-01 10:01")
    assert look("2026-03-01 10:01:20") == ["🔴 Job Failure Alert: sync"]
    assert "its worker died" in Alert.objects.get(channel="email").text


def test_a_lost_run_that_will_be_repeated_is_not_told(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", rerun_lost=True, **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    run(ledger, job, "2026-03-01 10:00:02")
    lose_all("2026-03-01 10:01")
    assert look("2026-03-01 10:01:20") == []


def test_many_runs_that_are_lost_together_are_one_message(ledger: Ledger) -> None:
    for number in range(5):
        make_job(name=f"job {number}", due="2026-03-01 10:00", **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    for job in Job.objects.all():
        run(ledger, job, "2026-03-01 10:00:02")
    lose_all("2026-03-01 10:01")
    (subject,) = look("2026-03-01 10:01:20")
    assert subject.startswith("🔴 5 runs due between")


# Late ----------------------------------------------------------------------------------------------------------------


def test_twenty_late_starts_in_a_row_are_told_once_and_their_end_once(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", expression="*/10 * * * *", start_by=60, name="sync", **MAIL)
    subjects: list[str] = []
    start = moment("2026-03-01 10:00")
    for number in range(21):
        due = start + dt.timedelta(minutes=10 * number)
        late = number < 20
        begun = due + dt.timedelta(seconds=90 if late else 5)
        ledger.tick(f"{due:%Y-%m-%d %H:%M:%S}")
        if late:
            subjects += look(f"{due + dt.timedelta(seconds=70):%Y-%m-%d %H:%M:%S}")
        run(ledger, job, f"{begun:%Y-%m-%d %H:%M:%S}", f"{begun + dt.timedelta(seconds=2):%Y-%m-%d %H:%M:%S}")
        subjects += look(f"{begun + dt.timedelta(seconds=8):%Y-%m-%d %H:%M:%S}")
    assert subjects == ["🟠 Job Late: sync", "✅ Job Recovered: sync"]


def test_a_late_start_between_two_looks_is_noticed_at_its_end(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", start_by=60, **MAIL)
    ledger.tick("2026-03-01 10:00")
    run(ledger, job, "2026-03-01 10:01:02", "2026-03-01 10:01:04")
    assert look("2026-03-01 10:01:09") == ["🟠 Job Late: hourly"]


def test_a_due_time_that_no_beat_records_is_late_too(ledger: Ledger) -> None:
    make_job(due="2026-03-01 10:00", start_by=60, **MAIL)
    assert look("2026-03-01 10:00:59") == []
    assert look("2026-03-01 10:01:01") == ["🟠 Job Late: hourly"]


def test_pauses_silence_the_clocks(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", start_by=60, finish_by=5, **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    assert look("2026-03-01 10:02:00") == ["🟠 Job Late: hourly"]
    verbs.pause(job, by=Actor.system())
    assert look("2026-03-01 10:30:00") == []
    assert not AlertCondition.objects.exists()


def test_a_job_without_clocks_is_not_judged(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", **MAIL)
    ledger.tick("2026-03-01 10:00:01")
    run(ledger, job, "2026-03-01 10:40")
    assert look("2026-03-01 10:50:00") == []


# Too long ------------------------------------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_is_told_while_it_goes_on(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", finish_by=60, name="sync", **MAIL)
    ledger.tick("2026-03-01 10:00")
    run(ledger, job, "2026-03-01 10:00:01")
    assert look("2026-03-01 10:00:59") == []
    assert look("2026-03-01 10:01:05") == ["🟠 Job Exceeded Expected Duration: sync"]
    assert look("2026-03-01 10:01:15") == []
    Execution.objects.update(state="success", duration=120, finished_at=moment("2026-03-01 10:02"), busy=None)
    assert look("2026-03-01 10:02:15") == []
    ledger.tick("2026-03-01 11:00")
    run(ledger, job, "2026-03-01 11:00:01", "2026-03-01 11:00:31")
    assert look("2026-03-01 11:00:35") == ["✅ Job Recovered: sync"]


def test_a_run_that_took_too_long_between_two_looks_is_told(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", finish_by=2, **MAIL)
    ledger.tick("2026-03-01 10:00")
    run(ledger, job, "2026-03-01 10:00:01", "2026-03-01 10:00:06")
    assert look("2026-03-01 10:00:10") == ["🟠 Job Exceeded Expected Duration: hourly"]


# Two processes -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_processes_that_look_at_the_same_moment_one_tells(ledger: Ledger, ada: User) -> None:
    make_job(due="2026-03-01 10:00", catch_up="skip", name="missed", **MAIL)
    ledger.tick("2026-03-01 10:30")
    make_job(due="2026-03-01 10:00", start_by=60, name="late", **MAIL)
    together(4, lambda: conditions.look(moment("2026-03-01 10:31"), settled=False))
    subjects = Alert.objects.filter(channel="email").values_list("subject", flat=True)
    assert sorted(subjects) == ["🔴 Job Missed: missed", "🟠 Job Late: late"]


def test_a_look_at_nothing_asks_few_questions(ledger: Ledger) -> None:
    for number in range(5):
        make_job(name=str(number), due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00")
    with CaptureQueriesContext(connection) as queries:
        conditions.look(moment("2026-03-01 10:00:01"), settled=False)
    assert len(queries) <= 11


# The system itself ---------------------------------------------------------------------------------------------------


def system(name: str, ok: bool, now: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Judges with one process in the given state; the titles of what is told anew."""
    found = health.Health([health.Check(name, ok, "" if ok else "silent")])
    monkeypatch.setattr(health, "report", lambda now: found)
    before = Alert.objects.count()
    self_monitoring.judge(moment(now))
    return [alert.subject for alert in Alert.objects.order_by("pk")[before:]]


@pytest.mark.parametrize("name", ["beat", "worker io", "worker system", "reconciler", "broker"])
def test_the_admins_are_told_once_that_a_part_is_silent_and_once_that_it_is_back(
    name: str, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert system(name, False, "2026-03-01 10:00:00", monkeypatch) == []
    assert system(name, False, "2026-03-01 10:00:09", monkeypatch) == []
    assert system(name, False, "2026-03-01 10:00:19", monkeypatch) == [f"Belfry: {name} is not responding"]
    assert system(name, False, "2026-03-01 10:00:30", monkeypatch) == []
    assert system(name, True, "2026-03-01 10:01:00", monkeypatch) == [f"Belfry: {name} is responding again"]
    assert system(name, True, "2026-03-01 10:01:10", monkeypatch) == []
    assert Alert.objects.first().recipients == [f"user:{ada.uid}"]  # type: ignore[union-attr]


def test_the_admins_are_told_of_a_clock_that_differs_and_when_it_agrees(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert system("clocks", False, "2026-03-01 10:00:00", monkeypatch) == []
    differ = ["Belfry: a host's clock differs from the database's"]
    assert system("clocks", False, "2026-03-01 10:00:19", monkeypatch) == differ
    agree = ["Belfry: the hosts' clocks agree with the database's again"]
    assert system("clocks", True, "2026-03-01 10:01:00", monkeypatch) == agree


def test_what_waits_for_minutes_is_told_and_what_waits_for_a_moment_is_not(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert system("oldest queued", False, "2026-03-01 10:00:00", monkeypatch) == []
    assert system("oldest queued", False, "2026-03-01 10:04:50", monkeypatch) == []
    waits = ["Belfry: runs have been queued for minutes"]
    assert system("oldest queued", False, "2026-03-01 10:05:10", monkeypatch) == waits
    no_more = ["Belfry: scheduler lag and queue wait are back to normal"]
    assert system("oldest queued", True, "2026-03-01 10:06", monkeypatch) == no_more


def test_a_restart_is_nobodys_business(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system("beat", False, "2026-03-01 10:00:00", monkeypatch) == []
    assert system("beat", True, "2026-03-01 10:00:10", monkeypatch) == []
    assert not AlertCondition.objects.exists()


def test_the_admins_also_get_mail_and_slack_where_there_are_any(
    ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_HOST = "127.0.0.1"
    for second in (0, 20):
        system("beat", False, f"2026-03-01 10:00:{second:02}", monkeypatch)
    assert Alert.objects.get(channel="email").recipients == ["ada@example.com"]
    settings.ALERT_EMAILS = ["ops@example.com"]
    system("beat", True, "2026-03-01 10:01", monkeypatch)
    assert Alert.objects.filter(channel="email").latest("pk").recipients == ["ops@example.com"]


def test_after_an_outage_of_everything_the_admins_hear_how_long_it_was(ledger: Ledger, ada: User) -> None:
    reconcile.take_turn(moment("2026-03-01 10:00"))
    reconcile.take_turn(moment("2026-03-01 10:00:45"))
    assert not Alert.objects.exists()
    reconcile.take_turn(moment("2026-03-01 13:00:45"))
    alert = Alert.objects.get()
    assert "Minutes: 180" in alert.text


def test_a_reconciler_that_fails_does_not_silence_the_watch(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(reconcile, "reconcile", broken)
    make_job(due="2026-03-01 10:00", start_by=60, **MAIL)
    with pytest.raises(RuntimeError):
        reconcile.take_turn(moment("2026-03-01 10:05"))
    assert Alert.objects.filter(event="late").exists()


def test_alerts_that_no_system_worker_takes_are_delivered_by_others(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(conditions, "later", calls.append)
    make_job(due="2026-03-01 10:00", start_by=60, **MAIL)
    look("2026-03-01 10:05:00")
    assert calls == []
    look("2026-03-01 10:05:40")
    assert calls == [deliver_due]


# End dates -----------------------------------------------------------------------------------------------------------


def ends(job: Job, day: str) -> None:
    Job.objects.filter(pk=job.pk).update(end_date=dt.date.fromisoformat(day))


def reminded(now: str) -> list[str]:
    before = Alert.objects.count()
    end_dates.remind(moment(now))
    return sorted(alert.job_name for alert in Alert.objects.order_by("pk")[before:])


def test_on_mondays_at_nine_people_are_reminded_of_jobs_that_end_within_thirty_days(
    uma: User, ada: User
) -> None:
    days = {"today": "2026-03-02", "last": "2026-04-01", "later": "2026-04-02", "over": "2026-03-01"}
    for name, day in days.items():
        ends(make_job(uma, name=name), day)
    assert reminded("2026-03-01 23:59") == []  # 08:59 on Monday in Tokyo
    assert reminded("2026-03-02 00:00") == ["last", "today"]
    assert reminded("2026-03-02 00:01") == []
    assert reminded("2026-03-03 00:01") == []
    assert reminded("2026-03-09 00:00") == ["last", "later"]
    alert = Alert.objects.filter(job_name="last").first()
    assert alert is not None
    assert (alert.subject, alert.link.endswith("/edit")) == ("Job ending soon", True)
    assert set(alert.recipients) == {f"user:{uma.uid}", f"user:{ada.uid}"}


def test_a_job_that_is_paused_at_its_end_tells_its_people(ledger: Ledger, uma: User, ada: User) -> None:
    ends(make_job(uma, name="sync"), "2026-02-28")
    for _ in range(2):
        reconcile.pause_ended()
    alert = Alert.objects.get()
    assert (alert.subject, alert.event) == ("Job auto-paused (end date passed)", "auto_paused")
    assert set(alert.recipients) == {f"user:{uma.uid}", f"user:{ada.uid}"}


# Blocked -------------------------------------------------------------------------------------------------------------


def test_due_times_that_are_skipped_behind_one_run_are_told_once_and_so_is_the_next_that_runs(
    ledger: Ledger,
) -> None:
    job = make_job(due="2026-03-01 10:00", name="sync", **MAIL)
    ledger.tick("2026-03-01 10:00")
    (claim,) = ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:01")
    for hour in range(11, 15):
        ledger.tick(f"2026-03-01 {hour}:00")
    assert look("2026-03-01 14:00:10") == []
    ledger.tick("2026-03-01 15:00")
    assert ledger.fates(job)[-1] == "15:00 skipped overlap"
    assert look("2026-03-01 15:00:10") == ["🟠 Job Blocked: sync"]
    ledger.tick("2026-03-01 16:00")
    assert look("2026-03-01 16:00:10") == []
    outcomes.write([Report(claim, Outcome("success"))], WORKER, moment("2026-03-01 16:30"))
    assert look("2026-03-01 16:30:10") == []
    ledger.tick("2026-03-01 17:00")
    run(ledger, job, "2026-03-01 17:00:01")
    assert look("2026-03-01 17:00:10") == ["✅ Job Recovered: sync"]


def test_a_run_that_lets_a_few_due_times_be_skipped_for_a_moment_is_nobodys_business(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", **MAIL)
    ledger.tick("2026-03-01 10:00")
    ledger.claim(ledger.rows(job)[-1], "2026-03-01 10:00:01")
    ledger.tick("2026-03-01 10:00:02")
    assert look("2026-03-01 10:05") == []
    assert look("2026-03-01 10:30") == []
