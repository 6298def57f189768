"""POST /api/v2/executions/{id}/stop and GET /api/v2/executions/{id}/log."""

from __future__ import annotations

from accounts.models import User
from audit.models import Entry
from conftest import Api
from executions.models import Execution, LogChunk, State
from executions.tests.conftest import Ledger
from executions.tests.test_api_executions import run
from jobs.tests.factories import make_job


def url(execution: Execution, verb: str) -> str:
    return f"/api/v2/executions/{execution.uid}/{verb}"


def test_a_waiting_run_is_stopped_at_once(api: Api, uma: User, ledger: Ledger) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00", State.QUEUED)
    answer = api(uma).post(url(execution, "stop"))
    assert answer.status_code == 200
    assert answer.json()["message"] == "Execution stop requested"
    assert answer.json()["execution"]["state"] == "stopped"
    assert Entry.objects.filter(event="stopped", actor=uma).count() == 1


def test_a_running_one_is_asked_and_may_be_asked_again(api: Api, uma: User, ledger: Ledger) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00", State.RUNNING)
    for _time in range(2):
        answer = api(uma).post(url(execution, "stop"))
        assert answer.status_code == 200
        assert (answer.json()["execution"]["state"], answer.json()["execution"]["stopping"]) == (
            "running",
            True,
        )
    assert Entry.objects.filter(event="stopped").count() == 1


def test_a_run_that_has_ended_cannot_be_stopped(api: Api, uma: User, ledger: Ledger) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00")
    answer = api(uma).post(url(execution, "stop"))
    assert (answer.status_code, answer.json()["error"]) == (409, "Execution has ended")


def test_runs_of_others_cannot_be_stopped(api: Api, ada: User, uma: User, vic: User, ledger: Ledger) -> None:
    execution = run(make_job(ada), "2026-03-01 10:00", State.RUNNING)
    assert api().post(url(execution, "stop")).status_code == 401
    assert api(vic).post(url(execution, "stop")).json() == {"detail": "User or admin access required"}
    answer = api(uma).post(url(execution, "stop"))
    assert (answer.status_code, answer.json()["error"]) == (403, "Insufficient permissions")
    execution.refresh_from_db()
    assert execution.stop_requested_at is None
    assert api(ada).post(url(execution, "stop")).status_code == 200


def test_the_log_is_plain_text(api: Api, vic: User, uma: User) -> None:
    execution = run(make_job(uma), "2026-03-01 10:00")
    for attempt, text in ((1, "<script>\n"), (2, "第二行\n")):
        LogChunk.objects.create(execution=execution, attempt=attempt, at=execution.due_at, text=text)
    answer = api(vic).get(url(execution, "log"))
    assert answer.getvalue().decode() == "<script>\n\n--- attempt 2 ---\n第二行\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_log_of_a_run_that_wrote_nothing_is_empty(api: Api, vic: User, uma: User) -> None:
    answer = api(vic).get(url(run(make_job(uma), "2026-03-01 10:00"), "log"))
    assert (answer.status_code, answer.getvalue()) == (200, b"")


def test_the_log_needs_an_account(api: Api, uma: User) -> None:
    assert api().get(url(run(make_job(uma), "2026-03-01 10:00"), "log")).status_code == 401
