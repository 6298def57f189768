"""The totals of ended runs stay those of the rows, whatever happens to them; that answers agree is tried in
test_statistics_agree.py."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from executions.models import Execution, Straggler, Total, Watermark
from executions.monitoring import totals as asked
from executions.monitoring import totals_update
from executions.tests.test_page_list import make_run
from executions.upkeep import retention
from jobs.changes import removal
from jobs.models import Job
from jobs.tests.factories import make_job, moment

pytestmark = pytest.mark.django_db

NOW = moment("2026-03-10 12:34:56")
ALL = Execution.objects.all


def ended(job: Job, **values: Any) -> Execution:
    due = NOW - dt.timedelta(hours=2)
    return make_run(job, **{"state": "success", "due_at": due, "created_at": due, "duration": 1.5, **values})


def told() -> dict[str, int]:
    return {state: sums.count for state, sums in asked.of_all(ALL(), None).by_state().items()}


def test_a_run_that_had_not_ended_when_the_others_were_counted_is_counted_when_it_has() -> None:
    job = make_job()
    ended(job)
    late = ended(job, state="running", duration=None)
    totals_update.fold(NOW)
    assert told() == {"success": 1, "running": 1}
    Execution.objects.filter(pk=late.pk).update(state="failed", duration=3)
    assert told() == {"success": 1, "failed": 1}
    totals_update.fold(NOW)
    assert told() == {"success": 1, "failed": 1}
    assert not Straggler.objects.exists()


def test_young_rows_wait_since_others_before_them_may_not_be_committed_yet() -> None:
    job = make_job()
    ended(job, created_at=NOW)
    ended(job)
    assert totals_update.fold(NOW) == 0
    assert told() == {"success": 2}
    assert totals_update.fold(NOW + totals_update.YOUNG) == 2
    assert told() == {"success": 2}


def test_what_is_counted_in_one_turn_is_counted_as_a_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended(make_job())

    def crash(*_args: Any, **_values: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Straggler.objects, "bulk_create", crash)
        with pytest.raises(KeyboardInterrupt):
            totals_update.fold(NOW)
    assert not Total.objects.exists()
    assert totals_update.fold(NOW) == 1
    assert told() == {"success": 1}


def test_who_asks_while_the_totals_move_on_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ended(make_job())
    mark = asked.mark_now
    marks: list[int] = []

    def slow() -> int:
        at = mark()
        if not marks:
            totals_update.fold(NOW)
        marks.append(at)
        return at

    monkeypatch.setattr(asked, "mark_now", slow)
    assert told() == {"success": 1}
    assert len(marks) == 2


def test_runs_of_a_job_that_is_removed_stay_among_all_and_removed_runs_do_not() -> None:
    job = make_job()
    first, second = ended(job), ended(job)
    totals_update.fold(NOW)
    assert asked.of_job(ALL(), job.uid, None).count() == 2
    removal.remove(job, NOW)
    assert told() == {"success": 2}
    retention.erase(Execution, [first.pk])
    assert (told(), totals_update.check()) == ({"success": 1}, True)
    retention.erase(Execution, [second.pk])
    assert not told()
    assert not Total.objects.exclude(scope="quarter").exists()


def test_rows_that_were_removed_by_hand_are_noticed_and_all_is_counted_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = make_job()
    gone, _stays = ended(job), ended(job)
    totals_update.fold(NOW)
    Execution.objects.filter(pk=gone.pk).delete()
    assert not totals_update.check()
    assert "totals_made_anew" in caplog.text
    assert (told(), Watermark.objects.get(name=totals_update.MARK).at) == ({"success": 1}, 0)
    totals_update.fold(NOW)
    assert (told(), totals_update.check()) == ({"success": 1}, True)


def test_quarters_of_an_hour_are_kept_for_some_days_and_days_for_ever() -> None:
    job = make_job()
    old = NOW - dt.timedelta(days=40)
    ended(job)
    ended(job, due_at=old, created_at=old)
    totals_update.fold(NOW)
    scopes = Total.objects.order_by("scope", "at").values_list("scope", "count")
    assert list(scopes) == [("day", 1), ("day", 1), ("job", 2), ("quarter", 1)]
    totals_update.fold(NOW + dt.timedelta(days=4))
    assert Total.objects.filter(scope="quarter").count() == 0
