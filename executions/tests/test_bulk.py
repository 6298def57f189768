"""A verb for many jobs: the preview, what becomes of each, and what a crash leaves behind."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from accounts.models import Category, Team, User
from audit.models import Entry
from audit.record import Actor
from executions.bulk import apply, commands, preview
from executions.bulk.commands import BulkCommand
from executions.models import BulkAction, Execution
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from notifications.models import Notification
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db


def previewed(client: Client, verb: str, *jobs: Job, **more: str) -> str:
    """The address of the preview."""
    sent = {"verb": verb, "job": [str(job.uid) for job in jobs], **more}
    answer = client.post("/jobs/bulk", sent)
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def outcomes(path: str) -> dict[str, str]:
    action = BulkAction.objects.get(uid=path.rsplit("/", 1)[1])
    return {result.job_name: result.outcome for result in action.results.all()}


def paused() -> set[str]:
    return set(Job.objects.paused().values_list("name", flat=True))


def test_a_preview_names_the_jobs_and_counts_the_due_times_and_changes_nothing(uma: User) -> None:
    client = browser(uma)
    path = previewed(
        client, "pause", make_job(uma, name="a"), make_job(uma, name="b", expression="0 0 * * *")
    )
    until = (clock.now() + dt.timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    client.cookies["zone"] = "UTC"
    page = client.post(path, {"until": until, "reason": "move"})
    assert {line.name for line in page.context["plan"].able} == {"a", "b"}
    assert page.context["plan"].skipped in (3, 4)  # each hour, and midnight where it lies within
    assert "due times are skipped until then" in page.content.decode()
    assert paused() == set()


def test_thousands_of_marks_are_taken(uma: User) -> None:
    job = make_job(uma, name="a")
    sent = {"verb": "pause", "job": [str(job.uid)] * preview.MOST, "q": "", "next": "/jobs"}
    assert browser(uma).post("/jobs/bulk", sent).status_code == 302
    assert BulkAction.objects.get().total == 1


def test_it_is_done_once_with_a_result_for_each_job_and_an_entry_of_each(uma: User) -> None:
    client = browser(uma)
    path = previewed(client, "pause", make_job(uma, name="a"), make_job(uma, name="b"))
    Notification.objects.all().delete()
    for _ in range(2):
        assert client.post(path, {"go": "1", "reason": "move", "until": ""}).status_code == 302
    assert outcomes(path) == {"a": "done", "b": "done"}
    assert paused() == {"a", "b"}
    assert Entry.objects.filter(event=Entry.Event.PAUSED, description="move").count() == 2
    assert [item.message for item in Notification.objects.filter(user=uma)] == [
        "2 jobs were paused by uma@example.com"
    ]
    assert "All done." in client.get(path).content.decode()


def test_what_one_may_not_change_is_named_and_the_rest_is_done_only_when_told(uma: User, ada: User) -> None:
    client = browser(uma)
    path = previewed(client, "pause", make_job(uma, name="mine"), make_job(ada, name="foreign"))
    assert "You may not change it; its owner is ada." in client.get(path).content.decode()
    assert client.post(path, {"go": "1"}).status_code == 200
    assert paused() == set()
    client.post(path, {"go": "1", "rest": "1"})
    assert paused() == {"mine"}
    assert outcomes(path) == {"mine": "done", "foreign": "refused"}


def test_all_that_match_are_those_of_the_preview(uma: User) -> None:
    client = browser(uma)
    make_job(uma, name="red one")
    make_job(uma, name="blue")
    make_job(uma, name="red two")
    answer = client.post("/jobs/bulk", {"verb": "pause", "all": "1", "q": "red", "count": "1"}, follow=True)
    assert "Now 2 jobs match instead of 1." in answer.content.decode()
    make_job(uma, name="red three")
    client.post(answer.request["PATH_INFO"], {"go": "1"})
    assert paused() == {"red one", "red two"}


def test_a_search_with_a_slip_means_no_job(uma: User) -> None:
    make_job(uma, name="a")
    answer = browser(uma).post("/jobs/bulk", {"verb": "delete", "all": "1", "q": "is:fialing"}, follow=True)
    assert "Mark the jobs first." in answer.content.decode()
    assert not BulkAction.objects.exists()


def test_every_verb_does_what_it_says(ada: User, uma: User) -> None:
    client, team = browser(ada), Team.objects.create(name="Night")
    place = Category.objects.create(name="Elsewhere")
    job = make_job(ada, name="a")
    for verb, values in (
        ("pause", {}),
        ("resume", {}),
        ("run", {}),
        ("owner", {"owner": uma.pk}),
        ("team", {"team": team.pk}),
        ("category", {"category": place.pk}),
    ):
        path = previewed(client, verb, job)
        client.post(path, {"go": "1", **values})
        assert outcomes(path) == {"a": "done"}, verb
    job.refresh_from_db()
    assert (job.owner, job.team, job.category) == (uma, team, place)
    assert Execution.objects.filter(job=job).count() == 1
    path = previewed(client, "delete", job)
    client.post(path, {"go": "1"})
    assert not Job.objects.exists()


def test_a_job_is_given_only_to_who_may_have_it(ada: User, uma: User, vic: User) -> None:
    client, job = (
        browser(ada),
        make_job(ada, name="a", kind="python_class", options={"job_class": "jobs.classes.sample.AwesomeJob"}),
    )
    path = previewed(client, "owner", job)
    assert client.post(path, {"owner": vic.pk}).status_code == 400  # a viewer owns nothing
    page = client.post(path, {"owner": uma.pk, "go": "1", "rest": "1"})
    assert [line.why for line in page.context["plan"].barred] == ["uma may not run code."]
    job.refresh_from_db()
    assert job.owner == ada
    assert browser(uma).post("/jobs/bulk", {"verb": "owner", "job": str(job.uid)}).status_code == 403


def test_who_loses_the_right_meanwhile_changes_nothing(uma: User) -> None:
    job = make_job(uma, name="a")
    action = preview.make(BulkCommand("pause"), Job.objects.all(), by=Actor(uma, "page"))
    uma.role = User.Role.VIEWER
    uma.save()
    apply.begin(action)
    assert [(one.outcome, one.job_name) for one in action.results.all()] == [("refused", job.name)]
    assert paused() == set()


def test_after_a_crash_the_next_turn_goes_on_and_doubles_nothing(
    uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        make_job(uma, name=name)
    action = preview.make(BulkCommand("run"), Job.objects.all(), by=Actor(uma, "page"))
    real = commands.carry_out

    def dies(job: Job, command: BulkCommand, by: Actor) -> bool:
        if job.name == "b":
            raise KeyboardInterrupt
        return real(job, command, by)

    monkeypatch.setattr(apply, "carry_out", dies)
    with pytest.raises(KeyboardInterrupt):
        apply.begin(action)
    monkeypatch.setattr(apply, "carry_out", real)
    apply.resume_waiting()  # somebody may still be at it
    assert action.results.count() == 1
    BulkAction.objects.update(busy_until=clock.now() - dt.timedelta(seconds=1))
    apply.resume_waiting()
    action.refresh_from_db()
    assert (action.state, action.results.count()) == ("done", 3)
    assert sorted(Execution.objects.values_list("job_name", flat=True)) == ["a", "b", "c"]


def test_what_is_long_goes_on_behind_the_request_and_can_be_cancelled(
    uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(apply, "announce", lambda action: sent.append(action.pk))
    monkeypatch.setattr(apply, "IN_A_REQUEST", 0.0)
    client = browser(uma)
    path = previewed(client, "pause", make_job(uma, name="a"), make_job(uma, name="b"))
    client.post(path, {"go": "1"})
    assert len(sent) == 1
    assert "0 of 2 done" in client.get(path).content.decode()
    client.post(f"{path}/stop")
    apply.turn(sent[0])
    assert paused() == set()
    assert "Cancelled after 0 of 2." in client.get(path).content.decode()


def test_an_action_is_nobody_elses(uma: User, ada: User) -> None:
    path = previewed(browser(uma), "pause", make_job(uma, name="a"))
    assert browser(ada).get(path).status_code == 404
    assert browser(ada).post(path, {"go": "1"}).status_code == 404


@pytest.mark.parametrize("sent", [{}, {"verb": "explode"}, {"verb": "pause", "job": ["x", "\0"]}])
def test_what_makes_no_sense_changes_nothing(uma: User, sent: dict[str, object]) -> None:
    make_job(uma, name="a")
    assert browser(uma).post("/jobs/bulk", sent).status_code == 302
    assert not BulkAction.objects.exists()


def test_a_pause_that_would_be_over_is_refused_by_its_field(uma: User) -> None:
    client = browser(uma)
    path = previewed(client, "pause", make_job(uma, name="a"))
    page = client.post(path, {"go": "1", "until": "2020-01-01T00:00"})
    assert page.status_code == 400
    assert "The time of the resumption has passed already." in page.content.decode()
    assert paused() == set()
