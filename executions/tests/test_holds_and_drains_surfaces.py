"""Holds and drains as administrators order them: by page, by the API and from the command line; and how everybody is told."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger.limits import holds
from executions.models import Drain, Execution, Heartbeat, Hold
from executions.monitoring import metrics
from jobs.tests.factories import make_job, somebody

pytestmark = pytest.mark.django_db
HOLDS, DRAINS = "/api/v2/scheduler/holds", "/api/v2/scheduler/drains"
NAME = "host-1:17-abcd"


def begin(**changes: Any) -> Hold:
    return holds.begin(reason="database move", by=Actor(somebody(), "page"), **changes)


def living(name: str = NAME, role: str = "code", *, age: float = 0) -> None:
    now = timezone.now()
    at = now - dt.timedelta(seconds=age)
    Heartbeat.objects.create(name=f"{role} {name}", role=role, at=at, started_at=at)


def run(*words: str) -> str:
    call_command(*words, stdout=(said := StringIO()), stderr=StringIO())
    return said.getvalue()


@pytest.fixture
def browser(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


# Holds -------------------------------------------------------------------------------------------------------------


def test_the_api_begins_changes_and_ends_a_hold(api: Api, ada: User, uma: User) -> None:
    until = (timezone.now() + dt.timedelta(hours=2)).isoformat()
    made = api(ada).post(HOLDS, {"reason": "database move", "until": until}, format="json")
    assert (made.status_code, made.json()["hold"]["by"]) == (201, "ada")
    (listed,) = api(uma).get(HOLDS).json()["holds"]
    assert (listed["reason"], listed["category"]) == ("database move", None)
    path = f"{HOLDS}/{listed['id']}"
    changed = api(ada).put(path, {"until": None}, format="json").json()["hold"]
    assert (changed["until"], changed["reason"]) == (None, "database move")
    assert api(ada).delete(path).status_code == 200
    assert api(uma).get(HOLDS).json() == {"holds": []}
    assert api(ada).delete(path).status_code == 404
    events = Entry.objects.filter(object_type="hold").order_by("id").values_list("event", flat=True)
    assert list(events) == ["paused", "modified", "resumed"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "Invalid reason"),
        ({"reason": "  "}, "Invalid reason"),
        ({"reason": 5}, "Invalid reason"),
        ({"reason": "x" * 501}, "Invalid reason"),
        ({"reason": "x", "until": "yesterday"}, "Invalid until"),
        ({"reason": "x", "until": 7}, "Invalid until"),
        ({"reason": "x", "until": "9999-12-31T23:59:59-23:59"}, "Invalid until"),
        ({"reason": "x", "until": "2020-01-01T00:00:00Z"}, "Invalid until"),
        ({"reason": "x", "category": "nobody's"}, "Invalid category"),
        ({"reason": "x", "category": []}, "Invalid category"),
    ],
)
def test_the_api_names_what_is_wrong_and_holds_nothing(api: Api, ada: User, body: Any, error: str) -> None:
    answer = api(ada).post(HOLDS, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not Hold.objects.exists()


def test_what_is_held_already_is_a_conflict(api: Api, ada: User) -> None:
    begin()
    assert api(ada).post(HOLDS, {"reason": "again"}, format="json").status_code == 409
    general = api(ada).post(HOLDS, {"reason": "too", "category": "general"}, format="json")
    assert general.json()["hold"]["category"] == "general"


def test_a_start_over_the_api_is_refused_and_an_administrator_may_override_it(
    api: Api, ada: User, uma: User
) -> None:
    job = make_job(uma)
    begin()
    path = f"/api/v2/jobs/{job.uid}/execute"
    refused = api(uma).post(path, {"wait": 0}, format="json")
    assert (refused.status_code, refused.json()["error"]) == (409, "Starts are held")
    assert "database move" in refused.json()["message"]
    assert api(uma).post(path, {"wait": 0, "override_hold": True}, format="json").status_code == 403
    assert api(ada).post(path, {"wait": 0, "override_hold": "yes"}, format="json").status_code == 400
    assert not Execution.objects.exists()
    assert api(ada).post(path, {"wait": 0, "override_hold": True}, format="json").status_code == 200
    assert Execution.objects.get().exempt


def test_the_page_holds_and_keeps_what_was_entered_when_something_is_missing(browser: Client) -> None:
    page = browser.post("/system/hold", {"reason": "", "until": "2099-01-01T03:00", "category": "general"})
    text = page.content.decode()
    assert (page.status_code, Hold.objects.count()) == (200, 0)
    assert "2099-01-01T03:00" in text
    assert '<option value="general" selected>' in text
    assert browser.post("/system/hold", {"reason": "move", "until": "2099-01-01T03:00"}).status_code == 302
    assert Hold.objects.get().until is not None
    again = browser.post("/system/hold", {"reason": "move"})
    assert (again.status_code, "held already" in again.content.decode()) == (409, True)


def test_the_page_moves_the_end_of_a_hold_and_ends_it(browser: Client) -> None:
    hold = begin()
    browser.post(f"/system/holds/{hold.uid}/change", {"until": "2099-01-01T03:00"})
    assert Hold.objects.get().until is not None
    told = browser.post(f"/system/holds/{hold.uid}/change", {"until": "2001-01-01T03:00"}, follow=True)
    assert "passed already" in told.content.decode()
    browser.post(f"/system/holds/{hold.uid}/release")
    assert Hold.objects.get().active is None


@pytest.mark.parametrize("path", ["/", "/jobs", "/executions", "/system"])
def test_a_banner_on_every_page_says_what_is_held_and_why(client: Client, vic: User, path: str) -> None:
    client.force_login(vic)
    assert "database move" not in client.get(path).content.decode()
    begin()
    assert "The starts of all jobs are held: database move" in client.get(path).content.decode()


def test_the_banner_leaves_out_what_does_not_concern_the_reader(client: Client, vic: User) -> None:
    mine, other = (Category.objects.create(name=name) for name in ("Mine", "Other"))
    User.objects.filter(pk=vic.pk).update(category=mine)
    begin(category=other)
    client.force_login(vic)
    assert "database move" not in client.get("/jobs").content.decode()
    assert "database move" not in client.get("/system").content.decode()


def test_the_page_of_a_run_by_hand_says_why_not_and_lets_an_administrator_override_it(
    browser: Client,
) -> None:
    job = make_job()
    path = f"/jobs/{job.uid}/run"
    assert "override_hold" not in browser.get(path).content.decode()
    begin()
    assert "override_hold" in browser.get(path).content.decode()
    refused = browser.post(path, {"metadata": "{}"})
    assert (refused.status_code, "database move" in refused.content.decode()) == (409, True)
    assert browser.post(path, {"metadata": "{}", "override_hold": "on"}).status_code == 302
    assert Execution.objects.get().exempt


def test_the_command_holds_and_releases() -> None:
    assert "Nothing is held" in run("hold")
    assert "held until" in run("hold", "database move", "--for", "2h")
    assert "database move" in run("hold")
    run("hold", "too", "--category", "general", "--until", "2099-01-01T03:00")
    run("hold", "--end")
    assert [hold.category for hold in Hold.objects.active()] == [Category.general()]
    entry = Entry.objects.filter(object_type="hold").first()
    assert entry is not None
    assert entry.surface == "command"


@pytest.mark.parametrize(
    "words",
    [
        ["x", "--for", "soon"],
        ["x", "--for", "9999999d"],
        ["x", "--until", "soon"],
        ["x", "--until", "2001-01-01T00:00"],
        ["x", "--category", "none"],
        ["--end"],
    ],
)
def test_the_command_says_what_is_wrong_and_holds_nothing(words: list[str]) -> None:
    with pytest.raises(CommandError):
        run("hold", *words)
    assert not Hold.objects.exists()


def test_the_dashboard_names_no_category_that_the_reader_may_not_see(client: Client, vic: User) -> None:
    other = Category.objects.create(name="Secret project", slug="secret")
    begin(category=other)
    vic.category = Category.general()
    vic.save()
    client.force_login(vic)
    page = client.get("/").content.decode()
    assert "are held" in page
    assert "Secret project" not in page


def test_health_and_metrics_tell_of_a_hold_without_calling_it_a_fault(api: Api, ada: User) -> None:
    begin()
    body = api(ada).get("/api/v2/health").json()
    (check,) = [check for check in body["checks"] if check["name"] == "starts"]
    assert (check["ok"], check["detail"]) == (False, "are held: all jobs")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in metrics.read(timezone.now())
        for sample in metric.samples
    }
    assert samples["belfry_starts_held", ""] == 1
    assert ("belfry_check_ok", "starts") not in samples


# Drains ------------------------------------------------------------------------------------------------------------


def test_the_api_drains_a_worker_and_takes_it_back(api: Api, ada: User) -> None:
    living()
    living("host-2:4-ffff", "system")
    answer = api(ada).post(DRAINS, {"worker": NAME, "reason": "kernel"}, format="json")
    (worker,) = answer.json()["workers"]
    assert (worker["state"], worker["queues"], worker["drain"]["by"]) == ("draining", ["code"], "ada")
    states = {
        one["name"]: one["state"] for one in api(ada).get("/api/v2/scheduler/workers").json()["workers"]
    }
    assert states == {NAME: "draining", "host-2:4-ffff": "running"}
    assert api(ada).delete(f"{DRAINS}/{NAME}").json()["cancelled"] == 1
    assert api(ada).delete(f"{DRAINS}/{NAME}").status_code == 404


def test_all_are_those_that_run_jobs(api: Api, ada: User) -> None:
    living()
    living("host-2:4-ffff", "system")
    api(ada).post(DRAINS, {"all": True}, format="json")
    assert [row.worker for row in Drain.objects.all()] == [NAME]
    assert api(ada).delete(DRAINS).json()["cancelled"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"worker": NAME, "all": True}, 400),
        ({"worker": 5}, 400),
        ({"all": "yes"}, 400),
        ({"worker": "nobody"}, 404),
        ({"worker": NAME, "reason": 5}, 400),
    ],
)
def test_a_drain_of_nobody_is_refused(api: Api, ada: User, body: Any, status: int) -> None:
    living()
    assert api(ada).post(DRAINS, body, format="json").status_code == status
    assert not Drain.objects.exists()


def test_the_page_drains_and_takes_back(browser: Client) -> None:
    living()
    assert NAME in browser.get("/system").content.decode()
    browser.post("/system/drain", {"worker": NAME})
    assert "draining" in browser.get("/system").content.decode()
    browser.post("/system/drain/cancel", {"worker": NAME})
    assert not Drain.objects.exists()
    browser.post("/system/drain", {"reason": "kernel"})
    assert Drain.objects.get().reason == "kernel"


@pytest.mark.parametrize("values", [{"reason": "a\0b"}, {"reason": "x" * 501}, {"worker": "a\0b"}])
def test_the_page_drains_nobody_by_what_no_database_takes(browser: Client, values: dict[str, str]) -> None:
    living()
    page = browser.post("/system/drain", values, follow=True)
    assert (page.status_code, Drain.objects.exists()) == (200, False)
    browser.post("/system/drain", {"worker": NAME})
    assert (
        "There is no drain" not in browser.post("/system/drain/cancel", values, follow=True).content.decode()
    )
    assert Drain.objects.count() == 1


def test_the_command_drains_lists_and_takes_back() -> None:
    living()
    assert f"{NAME}  code  running" in run("drain")
    run("drain", "--all")
    assert f"{NAME}  code  draining" in run("drain")
    run("drain", "--cancel", "host-1")
    assert not Drain.objects.exists()
    for words in (["--cancel"], ["nobody"], ["--all", NAME]):
        with pytest.raises(CommandError):
            run("drain", *words)


def test_waiting_ends_when_they_have_ended_or_are_gone_and_gives_up_in_time() -> None:
    living()
    with pytest.raises(SystemExit) as given_up:
        run("drain", NAME, "--wait", "--timeout", "0")
    assert given_up.value.code == 2
    Heartbeat.objects.update(at=timezone.now() - dt.timedelta(minutes=5))
    Drain.objects.all().delete()
    living("host-1:18-abcd")
    Drain.objects.create(
        worker="host-1:18-abcd", roles="code", at=timezone.now(), ended_at=timezone.now(), by_name=""
    )
    assert "have ended" in run("drain", "host-1:18-abcd", "--wait")
