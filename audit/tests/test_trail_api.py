"""The trail and the history of a job over the native API."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Category, User
from audit import chain
from audit.models import Entry
from conftest import Api
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

URL = "/api/v2/audit"


def entries(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


def test_an_entry_is_told_in_full(api: Api, ada: User, uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {"reason": "holiday"}, REMOTE_ADDR="10.0.0.9")
    chain.seal()
    stored = Entry.objects.get(event="paused")
    (found,) = entries(api(ada).get(f"{URL}?event=paused"))
    assert found == {
        "id": stored.pk,
        "at": found["at"],
        "event": "paused",
        "actor": "uma",
        "operator": "",
        "surface": "page",
        "address": "10.0.0.9",
        "object": {"type": "job", "id": str(job.uid), "name": "hourly"},
        "changes": {},
        "description": "holiday",
        "version": None,
        "digest": stored.digest,
    }
    assert found["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("event=added", 2),
        ("event=unknown", 0),
        ("object_type=job", 3),
        ("actor=uma", 2),
        ("surface=page", 1),
        ("q=HOUR", 2),
        ("from=2999-01-01", 0),
        ("to=2999-01-01", 3),
        ("object_id=x", 0),
        ("event=added&actor=ada", 1),
    ],
)
def test_the_list_is_narrowed(api: Api, ada: User, uma: User, query: str, count: int) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {})
    make_job(ada, name="other")
    assert len(entries(api(ada).get(f"{URL}?{query}"))) == count


def test_one_object_is_asked_for_by_its_id(api: Api, ada: User) -> None:
    job, _other = make_job(ada), make_job(ada, name="other")
    (found,) = entries(api(ada).get(f"{URL}?object_id={job.uid}"))
    assert found["object"]["name"] == "hourly"


def test_cursors_lead_through_all_and_back(api: Api, ada: User) -> None:
    for number in range(5):
        make_job(ada, name=f"job {number}")
    machine = api(ada)
    first = machine.get(f"{URL}?limit=2").json()
    second = machine.get(f"{URL}?limit=2&cursor={first['next_cursor']}").json()
    third = machine.get(f"{URL}?limit=2&cursor={second['next_cursor']}").json()
    names = [one["object"]["name"] for page in (first, second, third) for one in page["entries"]]
    assert names == [f"job {number}" for number in (4, 3, 2, 1, 0)]
    assert (first["previous_cursor"], third["next_cursor"]) == (None, None)
    assert machine.get(f"{URL}?limit=2&cursor={third['previous_cursor']}").json() == second


@pytest.mark.parametrize(
    ("query", "status"),
    [("cursor=x", 400), ("limit=0", 422), ("limit=201", 422), ("from=x", 400), ("q=%00", 400)],
)
def test_bad_input_is_refused_by_name(api: Api, ada: User, query: str, status: int) -> None:
    assert api(ada).get(f"{URL}?{query}").status_code == status


def test_the_whole_trail_is_for_administrators(api: Api, uma: User, vic: User) -> None:
    assert [api(user).get(URL).status_code for user in (uma, vic, None)] == [403, 403, 401]


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_nobody_writes_into_it(api: Api, ada: User, verb: str) -> None:
    assert getattr(api(ada), verb)(URL).status_code == 405


# One job -----------------------------------------------------------------------------------------------------------------


def test_a_job_has_its_history_with_every_definition(api: Api, uma: User) -> None:
    job = make_job(uma, secrets={"token": "canary"})
    api(uma).put(f"/api/v2/jobs/{job.uid}", {"timeout": 60}, format="json")
    answer = api(uma).get(f"/api/v2/jobs/{job.uid}/history").json()
    assert (answer["job_id"], answer["job_name"], answer["limit"]) == (str(job.uid), "hourly", 50)
    changed, added = answer["entries"]
    assert (changed["version"], changed["definition"]["timeout"]) == (2, 60)
    assert (added["version"], added["definition"]["timeout"]) == (1, None)
    assert added["definition"]["secrets"] == ["token"]
    assert "canary" not in str(answer)


def test_addresses_are_for_administrators(api: Api, ada: User, uma: User, vic: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {}, REMOTE_ADDR="10.0.0.9")
    addresses = [
        entries(api(user).get(f"/api/v2/jobs/{job.uid}/history"))[0]["address"] for user in (ada, uma, vic)
    ]
    assert addresses == ["10.0.0.9", None, None]


def test_the_history_of_a_job_that_is_not_to_be_seen_is_404(api: Api, uma: User, vic: User) -> None:
    job = make_job(uma)
    User.objects.filter(pk=vic.pk).update(category=Category.objects.create(name="Away"))
    assert api(vic).get(f"/api/v2/jobs/{job.uid}/history").status_code == 404
