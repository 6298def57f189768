"""What runs are told is kept once for each version of a job; rows of earlier releases are read as they are, and follow."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.record import Actor
from executions.ledger import claims, definitions, launch
from executions.models import Definition, Execution, Watermark
from executions.tests.conftest import Ledger
from executions.tests.test_page_list import make_run
from executions.upkeep import definitions as upkeep
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from scheduler_site.lib import clock

LATER = dt.timedelta(days=30)


def ticked(ledger: Ledger, job: Job, hour: int) -> Execution:
    ledger.tick(f"2026-03-01 {hour}:00:01")
    return ledger.rows(job)[-1]


def test_runs_of_one_version_of_a_job_name_the_same_definition_and_those_of_the_next_another(
    ledger: Ledger,
) -> None:
    job = make_job(due="2026-03-01 10:00", timeout=60, overlap="allow")
    first, second = ticked(ledger, job, 10), ticked(ledger, job, 11)
    verbs.update(job, verbs.JobChanges({"timeout": 61}), by=Actor.system())
    third = ticked(ledger, job, 12)
    assert first.shared_id == second.shared_id != third.shared_id
    assert [run.definition for run in (first, third)] == [{"version": 2}] * 2
    assert [run.full_definition["timeout"] for run in (first, second, third)] == [60, 60, 61]


def test_what_is_said_for_one_run_is_in_its_row_alone(ledger: Ledger, ada: User) -> None:
    job = make_job(ada, metadata={"a": 1})
    run = launch.launch(job, by=Actor(ada, "api"), overrides={"metadata": {"b": 2}})
    run = Execution.objects.get(pk=run.pk)
    assert run.definition == {"version": 2, "metadata": {"b": 2}}
    assert run.shared
    assert run.shared.body["metadata"] == {"a": 1}
    (claim,) = claims.claim([str(run.uid)], "worker-1", clock.now())
    assert (claim.spec.metadata, claim.spec.options) == ({"b": 2}, job.options)


def test_a_tick_asks_for_definitions_once_however_many_jobs_are_due(ledger: Ledger) -> None:
    for number in range(20):
        make_job(name=f"job {number}", due="2026-03-01 10:00", timeout=60 + number, overlap="allow")
    ledger.tick("2026-03-01 10:00:01")
    with CaptureQueriesContext(connection) as asked:
        ledger.tick("2026-03-01 11:00:01")
    assert Execution.objects.count() == 40
    about = [query for query in asked if "executions_definition" in query["sql"]]
    assert (len(about), Definition.objects.count()) == (1, 20)


def older(job: Job, **values: object) -> Execution:
    """A row as the release before writes it."""
    return make_run(job, created_at=moment("2026-03-01 10:00"), **{"definition": job.definition(), **values})


def test_a_row_of_the_release_before_is_read_as_it_is_and_then_names_what_it_had(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SLICE", 2)
    job = make_job(timeout=77)
    rows = [older(job, state=state) for state in ("success", "failed", "queued", "success", "lost")]
    damaged = older(job, state="success", definition=[1])
    assert {row.full_definition["timeout"] for row in rows} == {77}
    assert upkeep.share(clock.now()) == 5
    after = list(Execution.objects.exclude(pk=damaged.pk).order_by("pk"))
    assert [row.definition for row in after] == [{}, {}, {"version": 2}, {}, {}]
    assert [row.full_definition for row in after] == [job.definition()] * 5
    assert (Definition.objects.count(), Watermark.objects.get().at) == (1, damaged.pk)
    assert upkeep.share(clock.now()) == 0
    (claim,) = ledger.claim(rows[2], "2026-03-01 10:00:02")
    assert claim.policy["timeout"] == 77


def test_rows_that_a_program_of_the_release_before_still_writes_follow_when_they_are_not_young_any_more(
    db: None,
) -> None:
    job = make_job()
    late = make_run(job, state="success", definition=job.definition(), created_at=clock.now())
    assert upkeep.share(clock.now()) == 0
    assert upkeep.share(clock.now() + upkeep.YOUNG * 2) == 1
    late.refresh_from_db()
    assert late.shared_id


def test_a_turn_reads_no_more_than_a_slice_however_many_young_rows_there_are(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SLICE", 2)
    job = make_job()
    old = older(job, state="success")
    young = [
        make_run(job, state="success", definition=job.definition(), created_at=clock.now()) for _ in range(5)
    ]
    # As where a history was copied: its key is higher than those of younger rows.
    behind = older(job, state="success")
    with CaptureQueriesContext(connection) as asked:
        assert upkeep.share(clock.now()) == 1
    (read,) = {query["sql"] for query in asked if "LIMIT 2" in query["sql"] and f"> {old.pk}" in query["sql"]}
    assert "created_at" not in read.partition("WHERE")[2]
    assert upkeep.share(clock.now() + upkeep.YOUNG * 2) == len([*young, behind])


def test_a_definition_goes_when_no_run_names_it_and_none_was_told_it_for_days(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    ticked(ledger, job, 10)
    definitions.find({"spare": {"kind": "webhook"}})
    assert upkeep.forget() == 0
    assert upkeep.forget(clock.now() + LATER) == 1
    assert Definition.objects.get().pk == Execution.objects.get().shared_id
    Execution.objects.all().delete()
    assert upkeep.forget(clock.now() + LATER) == 1


def test_a_definition_that_is_told_again_just_before_it_would_go_stays(db: None) -> None:
    told = {"same": {"kind": "webhook"}}
    definitions.find(told)
    Definition.objects.update(used_at=clock.now() - LATER)
    definitions.find(told)
    assert upkeep.forget() == 0


def test_a_definition_that_went_just_before_it_is_told_again_is_written_again(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"same": {"kind": "webhook"}}
    gone = definitions.find(told)["same"].pk
    Definition.objects.update(used_at=clock.now() - LATER)
    read = definitions._rows

    def late(digests: object) -> dict[str, Definition]:
        found = read(told)
        upkeep.forget()
        monkeypatch.setattr(definitions, "_rows", read)
        return found

    monkeypatch.setattr(definitions, "_rows", late)
    assert definitions.find(told)["same"].pk != gone
