"""Old rows go, in batches; what is still needed stays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings as configured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule
from pytest_django.fixtures import Settings

from accounts.models import User
from executions.ledger import artifacts
from executions.models import Artifact, Execution, LogChunk, Measurement
from executions.monitoring import totals_update
from executions.tests.conftest import Ledger
from executions.tests.test_page_list import make_run
from executions.upkeep import prune, retention
from jobs.models import Job, Script, by_digest
from jobs.tests.factories import make_job, moment
from notifications import inbox
from notifications.delivery.outbox import compose
from notifications.messages import Message
from notifications.models import Alert, Notification


def test_ended_runs_beyond_their_retention_go_with_their_output(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
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


def old_run(**values: Any) -> Execution:
    """A run beyond its retention, whose job has a later one."""
    job = make_job(name=f"job {Execution.objects.count()}")
    due = moment("2020-03-01 00:00")
    run = make_run(job, state="success", due_at=due, kind="script", attempt=1, **values)
    make_run(job, state="success")
    return run


def leave(run: Execution) -> Path:
    """A folder with a file, and its row."""
    folder = Path(configured.ARTIFACTS_DIR, run.uid.hex)
    (folder / "1" / "closed").mkdir(parents=True)
    (folder / "1" / "a.txt").write_text("left")
    (folder / "1" / "closed").chmod(0)
    run.artifacts.create(attempt=1, name="a.txt", size=4)
    return folder


def test_artifacts_and_measurements_go_with_their_runs_and_stay_with_those_that_stay(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    old = old_run()
    new = Execution.objects.exclude(pk=old.pk).get()
    folders = [leave(run) for run in (old, new)]
    for run in (old, new):
        Measurement.objects.create(execution=run, attempt=1, points=[])
    prune.prune()
    assert [folder.exists() for folder in folders] == [False, True]
    assert [row.execution for row in Artifact.objects.all()] == [new]
    assert [row.execution for row in Measurement.objects.all()] == [new]


def test_a_folder_that_a_crash_left_behind_goes_the_next_time(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    folder = leave(old_run())
    with monkeypatch.context() as crash:
        crash.setattr(artifacts, "sweep", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prune.prune()
    assert folder.exists()
    prune.prune()
    assert not folder.exists()


def test_nothing_is_removed_but_what_runs_left_and_no_link_is_followed(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (elsewhere / "file").write_text("stays")
    (settings.ARTIFACTS_DIR / ("a" * 32)).symlink_to(elsewhere)
    (settings.ARTIFACTS_DIR / "lost+found").mkdir()
    folder = settings.ARTIFACTS_DIR / ("b" * 32) / "1"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(elsewhere)
    prune.prune()
    assert [path.name for path in settings.ARTIFACTS_DIR.iterdir()] == ["lost+found"]
    assert (elsewhere / "file").read_text() == "stays"
    assert elsewhere.stat().st_mode & 0o777 == 0o755


def test_without_a_directory_of_artifacts_there_is_nothing_to_sweep(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "nowhere"
    assert artifacts.sweep() == 0


def test_texts_of_scripts_go_when_no_job_and_no_run_names_them(db: None) -> None:
    for text in ("of a job", "of a run", "of nobody", "of an old run"):
        Script.keep({"script": text})
    Job.objects.filter(pk=make_job().pk).update(kind="script", options={"script": "of a job"})
    named = {"options": by_digest({"script": "of a run"})}
    make_run(make_job(name="other"), state="success", kind="script", definition=named)
    old_run(definition={"options": by_digest({"script": "of an old run"})})
    # A damaged row, and one of another kind, hold nothing up.
    make_run(make_job(name="third"), state="success", kind="script", definition=[])
    prune.prune()
    assert set(Script.objects.values_list("text", flat=True)) == {"of a job", "of a run"}


def test_a_text_that_is_named_while_it_is_being_looked_for_stays(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Script.keep({"script": "print(1)"})
    look, looks = prune._of_jobs, []

    def late() -> set[str]:
        """A run names it just after it was found to be spare."""
        looks.append(1)
        if len(looks) == 2:
            definition = {"options": by_digest({"script": "print(1)"})}
            make_run(make_job(), state="queued", kind="script", definition=definition)
        return look()

    monkeypatch.setattr(prune, "_of_jobs", late)
    prune.prune()
    assert Script.objects.count() == 1


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


def test_old_runs_go_without_being_loaded_or_the_whole_ledger_being_counted(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 00:00", catch_up="all", start_deadline=10**6, overlap="allow")
    ledger.tick("2026-03-01 09:00:01")
    first, second, *_others = ledger.rows(job)
    Execution.objects.update(state="success")
    Execution.objects.filter(pk=second.pk).update(
        caused_by=first, blocked_by=first, due_at=moment("2099-01-01 00:00")
    )
    with CaptureQueriesContext(connection) as asked:
        assert prune.prune(moment("2026-05-30 05:30")) == 5
    second.refresh_from_db()
    assert (second.caused_by_id, second.blocked_by_id) == (None, None)
    ours = [
        query["sql"] for query in asked if 'FROM "executions_execution"' in query["sql"].replace("`", '"')
    ]
    assert ours
    assert not any("GROUP BY" in sql or "definition" in sql.partition("FROM")[0] for sql in ours)


@pytest.mark.django_db
def test_of_each_job_no_more_than_the_newest_so_many_are_kept_when_they_are_a_day_old(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    settings.EXECUTION_RETENTION_PER_JOB = 3
    busy, quiet = make_job(name="busy"), make_job(name="quiet")
    for hour in range(8):
        make_run(busy, due_at=moment(f"2026-03-01 0{hour}:00"), state="success")
    for hour in range(3):
        make_run(quiet, due_at=moment(f"2026-03-01 0{hour}:00"), state="failed")
    count()
    # At 04:30 of the next day the runs from 05:00 on are younger than a day, and four of them are too many.
    assert prune.prune(moment("2026-03-02 04:30")) == 5
    assert kept(busy) == ["05:00", "06:00", "07:00"]
    assert kept(quiet) == ["00:00", "01:00", "02:00"]
    assert totals_update.check()


@pytest.mark.django_db
def test_a_number_of_runs_does_not_remove_what_happened_within_a_day(settings: Settings) -> None:
    settings.EXECUTION_RETENTION_PER_JOB = 1
    job = make_job()
    for hour in range(4):
        make_run(job, due_at=moment(f"2026-03-01 0{hour}:00"), state="success")
    count()
    assert prune.prune(moment("2026-03-02 01:30")) == 2
    assert kept(job) == ["02:00", "03:00"]


@pytest.mark.django_db
def test_a_run_that_has_not_ended_stays_however_many_came_after_it(settings: Settings) -> None:
    settings.EXECUTION_RETENTION_PER_JOB = 1
    job = make_job()
    make_run(job, due_at=moment("2026-03-01 00:00"), state="running")
    for hour in range(1, 4):
        make_run(job, due_at=moment(f"2026-03-01 0{hour}:00"), state="success")
    count()
    prune.prune(moment("2026-03-05 00:00"))
    assert kept(job) == ["00:00", "03:00"]


def count() -> None:
    """As the turns of some hours do."""
    while totals_update.fold(timezone.now() + dt.timedelta(hours=1)):
        pass


def kept(job: Job) -> list[str]:
    rows = Execution.objects.filter(job=job).order_by("due_at")
    return [f"{due:%H:%M}" for due in rows.values_list("due_at", flat=True)]
