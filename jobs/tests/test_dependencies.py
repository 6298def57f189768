"""Jobs that run after others: who may say so, what is refused, and where it shows."""

from __future__ import annotations

import threading
import uuid
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from jobs import verbs
from jobs.changes.dependencies import Edge
from jobs.models import Dependency, Job
from jobs.tests.factories import make_job, somebody
from jobs.tests.pages import browser, edits, entries
from jobs.verbs import JobChanges, Refused

pytestmark = pytest.mark.django_db

BODY = {"name": "B", "cron_expression": "0 3 * * *", "target_url": "https://1.1.1.1/b"}


def edges(job: Job) -> list[tuple[str, str]]:
    return [(edge.after.name, edge.on) for edge in job.dependencies.select_related("after")]


def follow(job: Job, *after: Job, on: str = "success") -> Job:
    changes = JobChanges(depends_on=[Edge(one.pk, on) for one in after])
    return verbs.update(job, changes, by=Actor(somebody(), "api"))


def in_a_row(*names: str) -> list[Job]:
    """Each follows the one before it."""
    jobs = [make_job(name=name) for name in names]
    for earlier, later in pairwise(jobs):
        follow(later, earlier)
    return jobs


# The rules -------------------------------------------------------------------------------------------------------------


def test_a_circle_is_refused_with_its_way() -> None:
    a, _b, c = in_a_row("A", "B", "C")
    with pytest.raises(Refused, match="A → B → C → A"):
        follow(a, c)
    assert edges(a) == []
    with pytest.raises(Refused, match="A → A"):
        follow(a, a)


def test_the_way_of_a_circle_does_not_name_jobs_that_one_may_not_see(api: Api, uma: User) -> None:
    a, b, c = in_a_row("A", "hidden", "C")
    secret = Category.objects.create(name="Secret", slug="secret")
    Job.objects.filter(pk=b.pk).update(category=secret)
    Job.objects.filter(pk__in=[a.pk, c.pk]).update(owner=uma)
    uma.category = Category.general()
    uma.save()
    answer = api(uma).put(f"/api/v2/jobs/{a.uid}", {"depends_on": [{"job": str(c.uid)}]}, format="json")
    assert answer.json()["message"] == "The jobs would run in a circle: A → … → C → A."


def test_two_ways_to_the_same_job_are_no_circle() -> None:
    a, b, c = in_a_row("A", "B", "C")
    follow(c, b, a)
    assert {name for name, _on in edges(c)} == {"A", "B"}


@pytest.mark.django_db(transaction=True)
def test_edges_that_are_harmless_alone_cannot_close_a_circle_together() -> None:
    jobs, barrier, refused = [make_job(name=name) for name in "ABCD"], threading.Barrier(4), list[str]()

    def edit(job: Job, after: Job) -> None:
        barrier.wait()
        try:
            follow(job, after)
        except Refused as refusal:
            refused.append(str(refusal))
        connection.close()

    pairs = zip(jobs, [*jobs[1:], jobs[0]], strict=True)
    threads = [threading.Thread(target=edit, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert Dependency.objects.count() == 3


def test_turning_an_edge_round_is_no_circle_once_the_old_one_is_gone() -> None:
    a, b = in_a_row("A", "B")
    follow(b)
    follow(a, b)
    assert (edges(a), edges(b)) == ([("B", "success")], [])


def test_a_change_is_in_the_history_with_the_names_of_the_jobs() -> None:
    a, b, c = (make_job(name=name) for name in "ABC")
    follow(b, a)
    follow(b, a, c, on="finish")
    entry = Entry.objects.filter(event=Entry.Event.MODIFIED, object_name="B").first()
    assert entry is not None
    assert entry.changes == {
        "depends_on": {"old": ["A (success)"], "new": ["A (finish)", "C (finish)"]},
    }


def test_deleting_a_job_ends_what_followed_it_and_says_so_there() -> None:
    a, b = in_a_row("A", "B")
    verbs.delete(a, by=Actor(somebody(), "api"))
    assert not Dependency.objects.exists()
    entry = Entry.objects.filter(object_name="B").first()
    assert entry is not None
    assert entry.changes == {"depends_on": {"old": ["A (success)"], "new": []}}
    assert entry.description == "A was deleted"
    assert Job.objects.get(pk=b.pk)


def test_a_job_that_is_gone_cannot_be_followed() -> None:
    a, b = make_job(name="A"), make_job(name="B")
    gone = Edge(a.pk, "success")
    a.delete()
    with pytest.raises(Refused, match="deleted meanwhile"):
        verbs.update(b, JobChanges(depends_on=[gone]), by=Actor(somebody(), "api"))


# The API ---------------------------------------------------------------------------------------------------------------


def test_a_job_is_made_changed_and_read_with_what_it_runs_after(api: Api, uma: User) -> None:
    a, client = make_job(uma, name="A"), api(uma)
    answer = client.post("/api/v2/jobs", BODY | {"depends_on": [{"job": str(a.uid)}]}, format="json")
    assert answer.status_code == 201
    made = answer.json()["job"]
    assert made["depends_on"] == [{"job": str(a.uid), "on": "success"}]
    url = f"/api/v2/jobs/{made['id']}"
    change = {"depends_on": [{"job": str(a.uid), "on": "finish"}]}
    assert client.put(url, change, format="json").json()["job"]["depends_on"] == change["depends_on"]
    # Not named, or null: as it was. A job that was read and is sent back is unchanged.
    for body in ({"metadata": {"a": 1}}, {"depends_on": None}, client.get(url).json()["job"]):
        assert client.put(url, body, format="json").status_code == 200
        assert client.get(url).json()["job"]["depends_on"] == change["depends_on"]
    listed = {job["name"]: job["depends_on"] for job in client.get("/api/v2/jobs").json()["jobs"]}
    assert listed == {"A": [], "B": change["depends_on"]}
    assert client.put(url, {"depends_on": []}, format="json").json()["job"]["depends_on"] == []


@pytest.mark.parametrize(
    "value",
    [
        "A",
        {"job": "x"},
        [1],
        ["A"],
        [{}],
        [{"job": "x"}],
        [{"job": 7}],
        [{"job": str(uuid.uuid4())}],
        [{"job": "A", "on": "never"}],
        [{"job": "A", "on": 1}],
        [{"job": "A", "on": []}],
        [{"job": "A"}, {"job": "A", "on": "finish"}],
        [{"job": "A"}] * 51,
    ],
)
def test_what_is_no_dependency_is_refused(api: Api, uma: User, value: Any) -> None:
    a = make_job(uma, name="A")
    if isinstance(value, list):
        named = [one for one in value if isinstance(one, dict) and one.get("job") == "A"]
        for one in named:
            one["job"] = str(a.uid)
    answer = api(uma).post("/api/v2/jobs", BODY | {"depends_on": value}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid depends_on")
    assert Job.objects.count() == 1


def test_a_circle_is_a_bad_request(api: Api, ada: User) -> None:
    a, b = in_a_row("A", "B")
    change = {"depends_on": [{"job": str(b.uid)}]}
    answer = api(ada).put(f"/api/v2/jobs/{a.uid}", change, format="json")
    assert (answer.status_code, answer.json()["message"]) == (
        400, "The jobs would run in a circle: A → B → A.",
    )  # fmt: skip


def test_one_must_see_the_job_to_follow_but_may_keep_what_is_stored(api: Api, uma: User) -> None:
    secret = Category.objects.create(name="Secret", slug="secret")
    uma.category = Category.general()
    uma.save()
    hidden, b = make_job(name="hidden", category=secret.pk), make_job(uma, name="B")
    url, wanted = f"/api/v2/jobs/{b.uid}", {"depends_on": [{"job": str(hidden.uid), "on": "success"}]}
    assert api(uma).put(url, wanted, format="json").status_code == 400
    follow(b, hidden)
    assert api(uma).put(url, wanted, format="json").status_code == 200
    page = browser(uma).get(f"/jobs/{b.uid}").content.decode()
    assert "a job that you may not see" in page
    assert ">hidden<" not in page
    form = browser(uma).get(f"/jobs/{b.uid}/edit").content.decode()
    assert str(hidden.uid) in form
    sent = edits(Job.objects.get(pk=b.pk)) | {
        "depends_on-job": [str(hidden.uid)],
        "depends_on-on": ["finish"],
    }
    assert browser(uma).post(f"/jobs/{b.uid}/edit", sent).status_code == 302
    assert edges(b) == [("hidden", "finish")]


def test_one_must_be_allowed_to_change_the_job_that_follows(api: Api, uma: User, ada: User) -> None:
    a, b = make_job(uma, name="A"), make_job(ada, name="B")
    body = {"depends_on": [{"job": str(a.uid)}]}
    assert api(uma).put(f"/api/v2/jobs/{b.uid}", body, format="json").status_code == 403
    assert edges(b) == []


# The pages -------------------------------------------------------------------------------------------------------------


def test_the_form_names_jobs_and_conditions_in_lines(uma: User) -> None:
    make_job(uma, name="A")
    lines = {"depends_on-job": ["A", "", ""], "depends_on-on": ["failure", "success", "success"]}
    browser(uma).post("/jobs/new", entries(name="B") | lines)
    b = Job.objects.get(name="B")
    assert edges(b) == [("A", "failure")]
    page = browser(uma).get(f"/jobs/{b.uid}/edit").content.decode()
    assert 'value="A"' in page
    assert '<option value="failure" selected>' in page
    browser(uma).post(f"/jobs/{b.uid}/edit", edits(b))
    assert edges(b) == [("A", "failure")]
    browser(uma).post(
        f"/jobs/{b.uid}/edit", edits(Job.objects.get(pk=b.pk)) | lines | {"depends_on-job": ["", "", ""]}
    )
    assert edges(b) == []


@pytest.mark.parametrize("name", ["nobody", "a\0b", "x" * 5000, "B"])
def test_a_name_that_cannot_be_followed_is_refused_and_kept_in_the_form(uma: User, name: str) -> None:
    b = make_job(uma, name="B")
    sent = edits(b) | {"depends_on-job": [name], "depends_on-on": ["success"]}
    response = browser(uma).post(f"/jobs/{b.uid}/edit", sent)
    assert response.context["form"].errors["depends_on"]
    assert edges(b) == []


def test_both_jobs_show_the_edge_and_a_duplicate_takes_it_along(uma: User) -> None:
    a, b = make_job(uma, name="First"), make_job(uma, name="Second")
    follow(b, a)
    assert "When this job succeeds, " in browser(uma).get(f"/jobs/{a.uid}").content.decode()
    page = browser(uma).get(f"/jobs/{b.uid}").content.decode()
    assert "Runs when " in page
    assert f'href="/jobs/{a.uid}">First<' in page
    assert 'value="First"' in browser(uma).get(f"/jobs/new?copy={b.uid}").content.decode()
