"""A GitHub token for a single run: used by all of its attempts, shown nowhere, and gone when the run has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import launch, outcomes, verbs
from executions.ledger.lost import give_up as lose_runs
from executions.ledger.outcomes import Report
from executions.models import Execution, Reason
from executions.tests.conftest import WORKER, Ledger, ledger
from executions.upkeep import reconcile
from executions.worker import worker as workers
from executions.worker.worker import Worker
from jobs import verbs as job_verbs
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from jobs.tests.github_server import OPTIONS, GitHub, github
from jobs.tests.pages import browser
from jobs.tests.test_github_jobs import ended

__all__ = ["github", "ledger"]

pytestmark = pytest.mark.django_db

OF_THE_JOB, OF_THE_RUN = "ghp_job-canary", "ghp_run-canary"
GIVEN = {"secrets": {"github_token": OF_THE_RUN}}


def workflow(owner: User | None = None, **changes: Any) -> Job:
    secrets = {"github_token": OF_THE_JOB}
    return make_job(owner, kind="github_actions", options=OPTIONS, secrets=secrets, **changes)


def stored(run: Execution) -> str:
    """The column as it lies in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM executions_execution WHERE id = %s", [run.pk])
        (text,) = cursor.fetchone()
    return str(text)


@pytest.fixture
def worker(github: GitHub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    worker = Worker(WORKER, ["io"])
    yield worker
    worker.shut_down(0)


@pytest.mark.django_db(transaction=True)
def test_the_run_uses_it_and_nothing_shows_it(api: Api, ada: User, worker: Worker, github: GitHub) -> None:
    github.instead[("POST", "/dispatches")] = [(422, {}, {"message": f"{OF_THE_RUN} is odd"})]
    job = workflow(ada)
    url = f"/api/v2/jobs/{job.uid}/execute"
    answer = api(ada).post(url, {"github_token": f" {OF_THE_RUN} ", "wait": 0}, format="json")
    assert answer.status_code == 200
    run = Execution.objects.get()
    assert stored(run)
    assert OF_THE_RUN not in stored(run) + str(run.full_definition)
    worker.perform([str(run.uid)])
    run = ended(run)
    assert github.dispatches[0].headers["Authorization"] == f"Bearer {OF_THE_RUN}"
    assert run.error == "GitHub returned status 422: [secret] is odd"
    assert stored(run) == ""
    assert Job.objects.get().secrets == {"github_token": OF_THE_JOB}
    shown = [
        answer.content.decode(),
        *(chunk.text for chunk in run.log.all()),
        *(str(vars(entry)) for entry in Entry.objects.all()),
        *(
            api(ada).get(f"/api/v2/{path}").getvalue().decode()
            for path in ("executions", f"executions/{run.uid}", f"executions/{run.uid}/log", "notifications")
        ),
        browser(ada).get(f"/executions/{run.uid}").content.decode(),
    ]
    assert "[secret]" in "".join(shown)
    assert "canary" not in "".join(shown)


@pytest.mark.django_db(transaction=True)
def test_the_next_run_uses_the_jobs_own_again(ada: User, worker: Worker, github: GitHub) -> None:
    job = workflow(ada)
    for overrides in (GIVEN, {}):
        run = launch.launch(job, by=Actor.system(), overrides=overrides)
        worker.perform([str(run.uid)])
        assert ended(run).state == "success"
    sent = [call.headers["Authorization"] for call in github.dispatches]
    assert sent == [f"Bearer {OF_THE_RUN}", f"Bearer {OF_THE_JOB}"]


def test_every_attempt_uses_it_until_the_last(ledger: Ledger) -> None:
    run = launch.launch(workflow(max_attempts=2, retry_delay=1), by=Actor.system(), overrides=GIVEN)
    for attempt, kept in ((1, True), (2, False)):
        Execution.objects.update(next_attempt_at=None)
        (claim,) = ledger.claim(run, f"2099-01-01 10:0{attempt}")
        assert claim.spec.secrets == {"github_token": OF_THE_RUN}
        outcomes.write([Report(claim, Outcome("failed", "503"))], WORKER, moment(f"2099-01-01 10:0{attempt}"))
        assert bool(stored(run)) is kept


def test_a_lost_run_that_is_repeated_keeps_it(ledger: Ledger) -> None:
    run = launch.launch(workflow(rerun_lost=True), by=Actor.system(), overrides=GIVEN)
    ledger.claim(run, "2099-01-01 10:00")
    lose_runs(Execution.objects.all(), Reason.LOST, moment("2099-01-01 10:01"))
    (claim,) = ledger.claim(run, "2099-01-01 10:02")
    assert (claim.attempt, claim.spec.secrets) == (2, {"github_token": OF_THE_RUN})


def test_many_that_end_together_lose_theirs_together(ledger: Ledger) -> None:
    runs = [
        launch.launch(workflow(name=f"job {number}"), by=Actor.system(), overrides=GIVEN)
        for number in range(3)
    ]
    claims = [claim for run in runs for claim in ledger.claim(run, "2099-01-01 10:00")]
    reports = [Report(claim, Outcome("success", str(claim.pk))) for claim in claims]
    outcomes.write(reports, WORKER, moment("2099-01-01 10:01"))
    assert [stored(run) for run in runs] == ["", "", ""]


def lose(run: Execution, ledger: Ledger) -> None:
    ledger.claim(run, "2099-01-01 10:00")
    lose_runs(Execution.objects.filter(pk=run.pk), Reason.LOST, moment("2099-01-01 10:01"))


def stop(run: Execution, ledger: Ledger) -> None:
    verbs.stop(run, by=Actor.system())


def delete_job(run: Execution, ledger: Ledger) -> None:
    job_verbs.delete(Job.objects.get(), by=Actor.system())
    reconcile.end_unstartable(timezone.now())


def delete_job_and_claim(run: Execution, ledger: Ledger) -> None:
    job_verbs.delete(Job.objects.get(), by=Actor.system())
    ledger.claim(run, "2099-01-01 10:00")


def replace(run: Execution, ledger: Ledger) -> None:
    Job.objects.update(overlap="replace")
    launch.launch(Job.objects.get(), by=Actor.system())


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lose, "lost"),
        (stop, "stopped"),
        (delete_job, "skipped"),
        (delete_job_and_claim, "skipped"),
        (replace, "skipped"),
    ],
)
def test_however_a_run_ends_it_is_forgotten(
    ledger: Ledger, end: Callable[[Execution, Ledger], None], state: str
) -> None:
    run = launch.launch(workflow(), by=Actor.system(), overrides=GIVEN)
    end(run, ledger)
    run.refresh_from_db()
    assert (run.state, stored(run)) == (state, "")


@pytest.mark.parametrize("token", ["two words", "ключ", "x" * 1001])
def test_one_that_cannot_be_sent_is_refused_and_not_repeated(api: Api, uma: User, token: str) -> None:
    job = workflow(uma)
    answer = api(uma).post(f"/api/v2/jobs/{job.uid}/execute", {"github_token": token}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid github_token")
    assert token not in answer.content.decode()
    assert not Execution.objects.exists()


def test_an_empty_one_leaves_that_of_the_job(api: Api, uma: User, ledger: Ledger) -> None:
    job = workflow(uma)
    for empty in (None, "", "  "):
        answer = api(uma).post(
            f"/api/v2/jobs/{job.uid}/execute", {"github_token": empty, "wait": 0}, format="json"
        )
        assert answer.status_code == 200
        run = Execution.objects.get()
        assert stored(run) == ""
        run.delete()
