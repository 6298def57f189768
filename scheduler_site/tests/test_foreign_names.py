"""The name of a job that somebody does not see is nowhere in what he reads, however it is tied to one that he sees."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audit.record import Actor
from executions.ledger.launch import row
from executions.models import Execution, Reason, State, Trigger
from executions.monitoring import health
from jobs import verbs
from jobs.changes import dependencies
from jobs.changes.dependencies import Edge
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.verbs import JobChanges
from notifications import inbox
from scheduler_site.lib import clock
from scheduler_site.tests.matrix import World, make_world
from scheduler_site.tests.test_role_matrix import routes

# Neither is part of any other text.
FOREIGN, DELETED, MOVED = "zzebra-of-others", "yyak-that-is-gone", "xxerus-moved-away"


def _run(job: Job, state: State = State.SUCCESS, **values: Any) -> Execution:
    now = clock.now()
    run = row(job, now, now, Trigger.MANUAL)
    run.state, run.started_at, run.finished_at = state, now, now
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    return run


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """A job of the reader's category, tied by an administrator to jobs of another one in every way there is."""
    monkeypatch.setattr(health, "report", lambda *_now: health.Health())
    world = make_world()
    admin, away = world.users["admin"], world.users["afar"].category
    assert away is not None
    by, seen = Actor(admin, "api"), world.job
    foreign, gone = (make_job(admin, name=name, category=away.pk) for name in (FOREIGN, DELETED))
    moved = make_job(admin, name=MOVED, category=seen.category_id)
    verbs.update(seen, JobChanges(depends_on=[Edge(foreign.pk, "success"), Edge(gone.pk, "finish")]), by=by)
    verbs.update(foreign, JobChanges(depends_on=[Edge(moved.pk, "failure")]), by=by)
    verbs.update(moved, JobChanges({"category": away, "description": "elsewhere"}), by=by)
    verbs.delete(gone, by=by)
    verbs.update(seen, JobChanges({"description": "another version"}), by=by)
    cause = _run(foreign)
    ours = Execution.objects.get(uid=world.ids["executions"])
    ours.caused_by = ours.blocked_by = cause
    ours.save()
    _run(foreign, State.FAILED, caused_by=ours)
    _run(seen, State.SKIPPED, reason=Reason.OVERLAP, blocked_by=cause)
    inbox.tell(inbox.everybody(foreign.category_id), FOREIGN, FOREIGN, "info", job_uid=foreign.uid)  # type: ignore[arg-type]
    return world


def _text(answer: Any) -> str:
    streamed = getattr(answer, "streaming_content", None)
    return (
        b"".join(streamed).decode(errors="replace")
        if streamed is not None
        else answer.content.decode(errors="replace")
    )


def _names(text: str) -> set[str]:
    return {name for name in (FOREIGN, DELETED, MOVED) if name in text}


def test_no_route_tells_a_name_to_somebody_who_does_not_see_the_job(world: World) -> None:
    client = world.client("category")
    told = {route: found for route in sorted(set(routes())) if (found := _names(_ask(world, client, route)))}
    assert told == {}


def _ask(world: World, client: Client, route: str) -> str:
    return _text(world.ask(client, "GET", route, "category"))


@pytest.mark.parametrize(
    "path",
    [
        "/jobs?q={name}",
        "/jobs?search={name}",
        "/executions?q={name}",
        "/executions?job={foreign}",
        "/jobs/{job}/history?q={name}",
        "/jobs/{job}/versions?old=2&new=3",
        "/jobs/{job}/versions?old=1&new=2",
        "/jobs/{foreign}",
        "/jobs/new?kind=webhook&copy={job}",
        "/jobs/new?copy={foreign}",
    ],
)
def test_nor_does_a_page_that_is_asked_for_it(world: World, path: str) -> None:
    foreign = Job.objects.get(name=FOREIGN)
    client = world.client("category")
    url = path.format(name="zzzz", job=world.job.uid, foreign=foreign.uid)
    assert _names(_text(client.get(url))) == set()


@pytest.mark.parametrize("path", ["history", "history?q=yyak", "executions", "statistics"])
def test_nor_does_the_history_over_the_api(world: World, path: str) -> None:
    world.client("category")
    headers = {"Authorization": f"Bearer {world.tokens['category'][0]}"}
    text = _text(Client().get(f"/api/v2/jobs/{world.job.uid}/{path}", headers=headers))
    assert _names(text) == set()


def test_administrators_read_all_of_it(world: World) -> None:
    """Else the tests above would hold for an empty history."""
    client = world.client("admin")
    headers = {"Authorization": f"Bearer {world.tokens['admin'][0]}"}
    text = _text(Client().get(f"/api/v2/jobs/{world.job.uid}/history", headers=headers))
    assert _names(text) == {FOREIGN, DELETED}
    assert FOREIGN in _text(client.get(f"/jobs/{world.job.uid}/history"))
    assert FOREIGN in _text(client.get(f"/jobs/{world.job.uid}"))


def test_a_circle_through_a_foreign_job_does_not_name_it(world: World) -> None:
    foreign = Job.objects.get(name=FOREIGN)
    Job.objects.filter(pk=world.job.pk).update(owner=world.users["category"])
    client = world.client("category")
    headers = {"Authorization": f"Bearer {world.tokens['category'][0]}"}
    moved = make_job(world.users["admin"], name="middle", category=world.job.category_id)
    dependencies.lock_graph()
    dependencies.replace(foreign, [Edge(moved.pk, "success")], None)
    body = {"depends_on": [{"job": str(world.job.uid), "on": "success"}]}
    url = f"/api/v2/jobs/{moved.uid}"
    answer = client.put(url, body, "application/json", headers=headers)
    assert answer.status_code == 400
    assert _names(_text(answer)) == set()
