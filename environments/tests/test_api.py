"""Environments over REST: made, changed and deleted by operations, refused in the usual shapes, as the document says."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import User
from audit.record import Actor
from conftest import Api
from environments import available_backends, verbs
from environments.models import Environment, Operation
from environments.operations.worker import OperationWorker
from environments.tests.conftest import Made, ended
from environments.tests.test_verbs import running, use
from scheduler_site.openapi import routes
from scheduler_site.tests.test_openapi import Checker

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v2/environments"


@pytest.fixture(scope="module")
def check() -> Checker:
    return Checker(routes.document())


@pytest.fixture
def cody(db: None) -> User:
    """A user who may run code."""
    return User.objects.create_user("cody", "cody@example.com", "x", role=User.Role.USER, may_run_code=True)


def test_an_environment_from_its_making_to_its_end(
    api: Api, cody: User, operator: OperationWorker, check: Checker
) -> None:
    client = api(cody)
    body = {"name": "data", "python_version": "3.12", "packages": ["six"]}
    begun = check(client.post(URL, body, format="json"), "/environments", 202)["operation"]
    assert (begun["kind"], begun["state"], begun["packages"]) == ("create", "queued", ["six"])
    ended(operator, Operation.objects.get())
    path = f"{URL}/operations/{begun['id']}"
    operation = check(client.get(path), "/environments/operations/{operation_id}", 200)["operation"]
    assert (operation["state"], operation["requested_by"]) == ("success", "cody")
    listed = check(client.get(URL), "/environments", 200)
    assert [(one["name"], one["state"], one["python_version"]) for one in listed["environments"]] == [
        ("data", "ready", "3.12.7")
    ]
    one = f"{URL}/{listed['environments'][0]['id']}"
    found = check(client.get(f"{one}/packages"), "/environments/{environment_id}/packages", 200)
    assert [package["name"] for package in found["packages"]] == ["six"]
    answer = client.post(f"{one}/packages", {"packages": ["tomli"]}, format="json")
    check(answer, "/environments/{environment_id}/packages", 202)
    busy = check(client.delete(one), "/environments/{environment_id}", 409)
    assert busy["error"] == "Environment is busy"
    detail = check(client.get(one), "/environments/{environment_id}", 200)["environment"]
    assert detail["operation"]["kind"] == "install"
    ended(operator, Operation.objects.latest("id"))
    check(client.put(f"{one}/packages", {}, format="json"), "/environments/{environment_id}/packages", 202)
    ended(operator, Operation.objects.latest("id"))
    answer = client.delete(f"{one}/packages?packages=six,tomli")
    check(answer, "/environments/{environment_id}/packages", 202)
    ended(operator, Operation.objects.latest("id"))
    assert client.get(f"{one}/packages").json()["count"] == 0
    renamed = check(client.put(one, {"name": "other"}, format="json"), "/environments/{environment_id}", 200)
    assert renamed["environment"]["name"] == "other"
    check(client.delete(one), "/environments/{environment_id}", 202)
    operation = ended(operator, Operation.objects.latest("id"))
    check(client.get(one), "/environments/{environment_id}", 404)
    assert client.get(f"{URL}/operations/{operation.uid}").json()["operation"]["environment_id"] is None


def test_the_answer_can_wait_for_the_end(api: Api, ada: User, by: Actor, operator: OperationWorker) -> None:
    verbs.create("data", by=by)
    operator.look()
    operation = Operation.objects.get()
    answer = api(ada).get(f"{URL}/operations/{operation.uid}?wait=20").json()
    assert answer["operation"]["state"] == "success"


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "soon", "1e400", ""])
def test_a_wait_that_is_none_changes_nothing(wait: str, api: Api, ada: User) -> None:
    answer = api(ada).post(f"{URL}?wait={wait}", {"name": "data"}, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid wait")
    assert not Environment.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": 1},
        {"name": "../etc"},
        {"name": "data", "packages": "six"},
        {"name": "data", "packages": [1]},
        {"name": "data", "packages": ["--help"]},
        {"name": "data", "packages": ["six"] * 1001},
        {"name": "data", "python_version": "two"},
        {"name": "data", "python_version": 3.12},
        {"name": "data", "backend": "apt"},
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason(body: dict[str, Any], api: Api, ada: User) -> None:
    answer = api(ada).post(URL, body, format="json")
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert not Environment.objects.exists()


def test_a_name_that_is_taken_is_refused(api: Api, ada: User, made: Made, check: Checker) -> None:
    made("data")
    taken = check(api(ada).post(URL, {"name": "data"}, format="json"), "/environments", 409)
    assert taken["error"] == "Duplicate environment name"


def test_a_viewer_sees_and_changes_nothing(api: Api, vic: User, uma: User, made: Made) -> None:
    environment = made("data", "six")
    one = f"{URL}/{environment.uid}"
    for user in (vic, uma):
        client = api(user)
        for path in (URL, one, f"{one}/packages", f"{URL}/statistics", f"{URL}/discovered"):
            assert client.get(path).status_code == 200
        for answer in (
            client.post(URL, {"name": "new"}, format="json"),
            client.put(one, {"name": "new"}, format="json"),
            client.delete(one),
            client.post(f"{one}/packages", {"packages": ["six"]}, format="json"),
            client.put(f"{one}/packages", {}, format="json"),
            client.delete(f"{one}/packages?packages=six"),
            client.post(f"{URL}/discovered", {"prefix": "/x", "name": "new"}, format="json"),
            client.post(f"{URL}/operations/{Operation.objects.get().uid}/cancel"),
        ):
            assert answer.status_code == 403
    assert Environment.objects.get().name == "data"
    assert Operation.objects.count() == 1


def test_what_somebody_else_made_is_not_changed(api: Api, cody: User, made: Made, by: Actor) -> None:
    environment = made("data")
    operation = verbs.install(environment, ["six"], by=by)
    client, one = api(cody), f"{URL}/{environment.uid}"
    assert client.get(one).status_code == 200
    assert client.delete(one).status_code == 403
    assert client.post(f"{one}/packages", {"packages": ["six"]}, format="json").status_code == 403
    assert client.post(f"{URL}/operations/{operation.uid}/cancel").status_code == 403
    operation.refresh_from_db()
    assert operation.is_open


def test_who_is_in_the_way_is_named(api: Api, ada: User, uma: User, made: Made, check: Checker) -> None:
    environment = made("data")
    job = use(environment, uma)
    one = f"{URL}/{environment.uid}"
    refused = check(api(ada).delete(one), "/environments/{environment_id}", 409)
    assert refused["error"] == "Environment is in use"
    assert "nightly" in refused["message"]
    running(job)
    answer = api(ada).post(f"{one}/packages", {"packages": ["six"]}, format="json")
    assert answer.json()["error"] == "Environment is in use"
    detail = check(api(ada).get(one), "/environments/{environment_id}", 200)["environment"]
    assert detail["used_by"] == [{"id": str(job.uid), "name": "nightly"}]
    assert (detail["usage"]["jobs"], detail["usage"]["running"]) == (1, 1)


def test_an_operation_is_cancelled_once(api: Api, ada: User, by: Actor, check: Checker) -> None:
    operation = verbs.create("data", by=by)
    path = f"{URL}/operations/{operation.uid}/cancel"
    answer = check(api(ada).post(path), "/environments/operations/{operation_id}/cancel", 202)
    assert answer["operation"]["state"] == "cancelled"
    check(api(ada).post(path), "/environments/operations/{operation_id}/cancel", 409)


def test_the_figures_count_what_there_is(api: Api, ada: User, uma: User, made: Made, check: Checker) -> None:
    assert check(api(ada).get(f"{URL}/statistics"), "/environments/statistics", 200)["latest"] is None
    use(made("data", "six", "tomli"), uma)
    made("spare")
    verbs.named("absent")
    found = check(api(ada).get(f"{URL}/statistics"), "/environments/statistics", 200)
    assert (found["total_environments"], found["active_environments"], found["disk_bytes"]) == (2, 1, 8192)
    assert found["latest"]["name"] == "spare"
    assert found["usage"] == [
        {"name": "data", "jobs": 1, "percent": 100},
        {"name": "spare", "jobs": 0, "percent": 0},
    ]
    assert found["packages"] == [{"name": "data", "count": 2}, {"name": "spare", "count": 0}]


def test_what_was_found_here_is_registered(
    api: Api, ada: User, operator: OperationWorker, check: Checker
) -> None:
    found = {"name": "old", "prefix": "/opt/conda/envs/old", "python_version": "3.9"}
    cache.set(available_backends.KEY, {"external": {"found": [found]}})
    client = api(ada)
    assert check(client.get(f"{URL}/discovered"), "/environments/discovered", 200)["environments"] == [found]
    body = {"prefix": found["prefix"], "name": "mine"}
    check(client.post(f"{URL}/discovered", body, format="json"), "/environments/discovered", 202)
    ended(operator, Operation.objects.get())
    one = f"{URL}/{Environment.objects.get().uid}"
    detail = client.get(one).json()["environment"]
    assert (detail["read_only"], detail["directory"], detail["state"]) == (True, found["prefix"], "ready")
    answer = client.post(f"{one}/packages", {"packages": ["six"]}, format="json")
    assert answer.json()["error"] == "Environment is read-only"
    check(client.post(f"{URL}/discovered", body, format="json"), "/environments/discovered", 400)


@pytest.mark.parametrize("path", ["x", "operations/x", "x/packages", "11111111-1111-1111-1111-111111111111"])
def test_what_is_not_there_is_not_found(path: str, api: Api, ada: User) -> None:
    assert api(ada).get(f"{URL}/{path}").status_code == 404


def test_a_name_that_only_a_job_knows_is_no_environment(api: Api, ada: User) -> None:
    absent = verbs.named("data")
    assert api(ada).get(URL).json()["count"] == 0
    assert api(ada).get(f"{URL}/{absent.uid}").status_code == 404
