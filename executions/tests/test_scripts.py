"""A script's text is kept once: runs name it by its digest, and get it back when they are claimed."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from audit.models import Entry
from audit.record import Actor
from environments.models import Environment
from executions.ledger import claims, launch
from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs import verbs
from jobs.models import Job, Script, digest_of
from jobs.tests.factories import make_job, moment

pytestmark = pytest.mark.django_db
TEXT = "print('hello')\n"


def script(text: str = TEXT, **values: Any) -> Job:
    """A job that runs a script, which is due at ten."""
    job = make_job(due="2026-03-01 10:00", **values)
    verbs.update(job, verbs.JobChanges({"kind": "script", "options": {"script": text}}), by=Actor.system())
    return Job.objects.get(pk=job.pk)


def due(ledger: Ledger, job: Job) -> Execution:
    ledger.tick("2026-03-01 10:00:01")
    return ledger.rows(job)[-1]


def test_a_job_that_is_made_or_changed_keeps_the_text_of_its_script(ledger: Ledger) -> None:
    job = script()
    changes = verbs.JobChanges({"options": {"script": "print(2)"}})
    verbs.update(job, changes, by=Actor.system())
    values = {"name": "new", "kind": "script", "options": {"script": "print(3)"}, "category": job.category}
    verbs.create(verbs.JobChanges(values), by=Actor.system())
    assert set(Script.objects.values_list("text", flat=True)) == {TEXT, "print(2)", "print(3)"}


def test_the_same_text_is_kept_once(ledger: Ledger) -> None:
    script(name="first")
    script(name="second")
    assert Script.objects.count() == 1


def test_a_run_names_the_digest_and_its_claim_has_the_text(ledger: Ledger) -> None:
    run = due(ledger, script())
    assert run.full_definition["options"] == {"script": {"sha256": digest_of(TEXT)}}
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    assert claim.spec.options == {"script": TEXT}


def test_a_run_does_what_the_script_said_at_its_due_time(ledger: Ledger) -> None:
    job = script()
    run = due(ledger, job)
    verbs.update(job, verbs.JobChanges({"options": {"script": "print(2)"}}), by=Actor.system())
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    assert claim.spec.options == {"script": TEXT}


def test_a_claim_names_the_environment_of_the_job(ledger: Ledger) -> None:
    environment = Environment.objects.create(name="science", backend="pypi")
    job = script()
    verbs.update(job, verbs.JobChanges({"environment": environment}), by=Actor.system())
    (claim,) = ledger.claim(due(ledger, job), "2026-03-01 10:00:02")
    assert claim.spec.environment == environment.uid.hex
    other = make_job(name="other", due="2026-03-01 10:00")
    (claim,) = ledger.claim(due(ledger, other), "2026-03-01 10:00:02")
    assert claim.spec.environment == ""


def unlimited(settings: Settings) -> None:
    """Without quotas, whose counts are asked for once a second."""
    for name in ("RUNS_AT_ONCE_PER_", "STARTS_PER_MINUTE_PER_"):
        setattr(settings, name + "ACCOUNT", 0)
        setattr(settings, name + "CATEGORY", 0)


def test_a_batch_without_scripts_asks_for_no_texts(
    ledger: Ledger, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    unlimited(settings)
    runs = [due(ledger, make_job(name=f"job {number}", due="2026-03-01 10:00")) for number in range(3)]
    with django_assert_num_queries(5):
        claims.claim([str(run.uid) for run in runs], "worker-1", moment("2026-03-01 10:00:02"))


def test_a_batch_of_scripts_asks_for_their_texts_once(
    ledger: Ledger, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    unlimited(settings)
    runs = [due(ledger, script(f"print({number})", name=f"job {number}")) for number in range(3)]
    # One of them asks who may run the code.
    with django_assert_num_queries(7):
        found = claims.claim([str(run.uid) for run in runs], "worker-1", moment("2026-03-01 10:00:02"))
    assert {claim.spec.options["script"] for claim in found} == {"print(0)", "print(1)", "print(2)"}


def test_a_run_whose_text_is_gone_is_an_error_that_says_so_and_holds_up_no_other(ledger: Ledger) -> None:
    gone, other = script(name="gone"), script("print(2)", name="other")
    runs = [due(ledger, gone), due(ledger, other)]
    Script.objects.filter(text=TEXT).delete()
    found = claims.claim([str(run.uid) for run in runs], "worker-1", moment("2026-03-01 10:00:02"))
    assert [claim.spec.job_name for claim in found] == ["other"]
    assert ledger.fates(gone) == ["10:00 error unstartable"]
    assert ledger.rows(gone)[0].error == "The text of the script is not there any more."


def test_an_attempt_that_may_not_start_any_more_keeps_what_the_one_before_said(ledger: Ledger) -> None:
    job = script()
    run = due(ledger, job)
    Execution.objects.update(attempt=1, error="exit code 3")
    verbs.delete(job, by=Actor.system())
    assert ledger.claim(run, "2026-03-01 10:00:02") == []
    assert Execution.objects.get().error == "exit code 3"


def test_another_script_for_one_run_is_kept_as_well_and_told_in_the_trail(ledger: Ledger) -> None:
    run = launch.launch(script(), by=Actor.system(), overrides={"options": {"script": "print(2)"}})
    assert run.full_definition["options"] == {"script": {"sha256": digest_of("print(2)")}}
    (claim,) = ledger.claim(run, "2099-01-01 10:00")
    assert claim.spec.options == {"script": "print(2)"}
    changes = Entry.objects.get(event="custom_run").changes
    assert changes["options"] == {"old": {"script": TEXT}, "new": {"script": "print(2)"}}


def test_a_run_as_it_is_changes_nothing_in_the_trail(ledger: Ledger) -> None:
    launch.launch(script(), by=Actor.system())
    assert Entry.objects.get(event="custom_run").changes == {}


def test_a_definition_without_an_environment_is_still_claimed(ledger: Ledger) -> None:
    run = due(ledger, script())
    Execution.objects.update(definition=run.definition | {"environment": None})
    (claim,) = ledger.claim(run, "2026-03-01 10:00:02")
    assert claim.spec.environment == ""
    assert uuid.UUID(claim.uid) == run.uid
