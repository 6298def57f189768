"""The pages of environments: everything can be done without JavaScript, and what was entered survives an error."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from audit.record import Actor
from environments import available_backends, verbs
from environments.models import Environment, Operation
from environments.operations import contents
from environments.operations.worker import OperationWorker
from environments.tests.conftest import Made, ended
from environments.tests.test_verbs import use

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def text(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_who_has_no_environment_is_told_what_to_do(page: Client, settings: Any) -> None:
    settings.ENVIRONMENT_BACKEND = "auto"
    shown = text(page.get("/environments"))
    assert "No environments yet" in shown
    assert 'href="/environments/new"' in shown
    assert "has not yet reported" in shown


def test_a_new_environment_shows_its_progress_and_then_its_packages(
    page: Client, operator: OperationWorker
) -> None:
    answer = page.post(
        "/environments/new", {"name": "data", "python_version": "3.12", "packages": "six\n\ntomli"}
    )
    assert answer.status_code == 302
    waiting = text(page.get(answer["Location"]))
    assert "Waiting for a system worker" in waiting
    assert 'http-equiv="refresh"' in waiting
    operation = ended(operator, Operation.objects.get())
    live = page.get(answer["Location"], headers={"HX-Request": "true", "HX-Target": "operation"})
    assert live["HX-Refresh"] == "true"
    over = text(page.get(answer["Location"]))
    assert "create six tomli" in over
    assert "hx-get" not in over
    assert 'http-equiv="refresh"' not in over
    assert operation.environment is not None
    shown = text(page.get(f"/environments/{operation.environment.uid}"))
    assert "Python 3.12.7" in shown
    assert "tomli" in shown
    listed = text(page.get("/environments"))
    assert "data" in listed
    assert "4.0" in listed  # KB


@pytest.mark.parametrize(
    ("entered", "fault"),
    [
        ({"name": "../etc"}, "cannot be a name"),
        ({"name": ""}, "required"),
        ({"packages": "six\n--help"}, "options are not allowed"),
        ({"python_version": "two"}, "is not a version of Python"),
    ],
)
def test_what_was_entered_survives_an_error(entered: dict[str, str], fault: str, page: Client) -> None:
    whole = {"name": "data", "python_version": "3.12", "packages": "numpy>=2", "backend": ""} | entered
    shown = text(page.post("/environments/new", whole)).replace("&gt;", ">").replace("&#x27;", "'")
    assert fault in shown
    for value in filter(None, whole.values()):
        assert " ".join(value.split()) in shown
    assert not Environment.objects.exists()


def test_a_name_that_is_taken_is_told_at_its_field(page: Client, made: Made) -> None:
    made("data")
    assert "There is an environment named data already" in text(
        page.post("/environments/new", {"name": "data"})
    )


def test_after_a_failure_what_was_asked_for_can_be_changed_and_tried_again(
    page: Client, operator: OperationWorker
) -> None:
    entered = {"name": "data", "python_version": "3.12", "packages": "six\nmissing"}
    answer = page.post("/environments/new", entered)
    ended(operator, Operation.objects.get())
    shown = text(page.get(answer["Location"]))
    assert "There is no package named missing." in shown
    again = re.search(r'href="(/environments/new\?[^"]+)"', shown)
    assert again is not None
    form = text(page.get(again[1].replace("&amp;", "&")))
    assert 'value="data"' in form
    assert 'value="3.12"' in form
    assert "six missing" in form


def test_packages_are_installed_searched_updated_and_removed(
    page: Client, made: Made, operator: OperationWorker
) -> None:
    environment = made("data", "six")
    url = f"/environments/{environment.uid}"
    assert page.post(f"{url}/packages", {"verb": "install", "packages": "tomli"}).status_code == 302
    shown = text(page.get(url))
    assert 'id="operation" hx-get' in shown
    ended(operator, Operation.objects.latest("id"))
    live = page.get(url, headers={"HX-Request": "true", "HX-Target": "operation"})
    assert live["HX-Refresh"] == "true"
    found = text(page.get(f"{url}?q=tom"))
    assert ('value="tomli"' in found, 'value="six"' in found) == (True, False)
    assert "No package matches" in text(page.get(f"{url}?q=zzz"))
    for verb in ("update", "remove"):
        assert page.post(f"{url}/packages", {"verb": verb, "package": ["six"]}).status_code == 302
        ended(operator, Operation.objects.latest("id"))
    assert page.post(f"{url}/packages", {"verb": "update-all"}).status_code == 302
    ended(operator, Operation.objects.latest("id"))
    assert [package.name for package in contents.installed(environment)] == ["tomli"]


def test_what_is_refused_on_the_page_of_an_environment_keeps_what_was_entered(
    page: Client, made: Made, by: Actor
) -> None:
    environment = made("data", "six", "tomli")
    url = f"/environments/{environment.uid}/packages"
    answer = page.post(url, {"verb": "install", "packages": "six\n-e ."})
    assert "options are not allowed" in text(answer)
    assert "six -e ." in text(answer)
    answer = page.post(url, {"verb": "remove"})
    assert (answer.status_code, "Choose at least one package" in text(answer)) == (400, True)
    verbs.update(environment, by=by)
    answer = page.post(url, {"verb": "remove", "package": ["tomli"]})
    assert answer.status_code == 409
    assert "Another operation" in text(answer)
    assert re.search(r'value="tomli"[^>]* checked', text(answer))
    answer = page.post(url, {"verb": "install", "packages": "numpy"})
    assert (answer.status_code, "numpy" in text(answer)) == (409, True)
    assert page.post(url, {"verb": "explode"}).status_code == 404


def test_an_operation_is_cancelled_from_its_page(page: Client, by: Actor) -> None:
    operation = verbs.create("data", by=by)
    url = f"/environments/operations/{operation.uid}"
    assert "Cancel operation" in text(page.get(url))
    shown = text(page.post(f"{url}/cancel", follow=True))
    assert "The operation was cancelled." in shown
    assert "had ended already" in text(page.post(f"{url}/cancel", follow=True))


def test_an_environment_is_renamed_and_deleted(
    page: Client, made: Made, uma: User, operator: OperationWorker
) -> None:
    environment, _other = made("data"), made("other")
    url = f"/environments/{environment.uid}"
    answer = page.post(f"{url}/rename", {"name": "other"})
    assert answer.status_code == 409
    assert 'value="other"' in text(answer)
    assert "renamed" in text(page.post(f"{url}/rename", {"name": "better"}, follow=True))
    job = use(environment, uma)
    assert "nightly" in text(page.get(f"{url}/delete"))
    assert page.post(f"{url}/delete").status_code == 409
    job.delete()
    answer = page.post(f"{url}/delete")
    assert answer.status_code == 302
    ended(operator, Operation.objects.latest("id"))
    assert "success" in text(page.get(answer["Location"]))
    assert page.get(url).status_code == 404


def test_a_viewer_sees_everything_and_has_no_button(client: Client, vic: User, made: Made) -> None:
    client.force_login(vic)
    environment = made("data", "six")
    url = f"/environments/{environment.uid}"
    assert "six" in text(client.get(url))
    for path in ("/environments", url, f"/environments/operations/{Operation.objects.get().uid}"):
        shown = text(client.get(path))
        assert "environments/new" not in shown
        assert "Remove selected" not in shown
        assert "Cancel operation" not in shown
    for path in ("/environments/new", f"{url}/rename", f"{url}/delete"):
        assert client.get(path).status_code == 403
    assert client.post(f"{url}/packages", {"verb": "update-all"}).status_code == 403


def test_who_may_run_code_changes_his_own_and_no_others(client: Client, made: Made) -> None:
    cody = User.objects.create_user("cody", "c@example.com", "x", role=User.Role.USER, may_run_code=True)
    client.force_login(cody)
    environment = made("data", "six")
    assert client.post(f"/environments/{environment.uid}/packages", {"verb": "update-all"}).status_code == 403
    assert client.post("/environments/new", {"name": "mine"}).status_code == 302


def test_the_page_says_why_conda_is_not_used_and_what_was_tried(page: Client, settings: Any) -> None:
    settings.ENVIRONMENT_BACKEND = "auto"
    available_backends.refresh()
    shown = text(page.get("/environments"))
    assert "https://conda.example.com does not answer." in shown
    assert "PyPI packages" in shown
    assert '<option value="3.12">' in text(page.get("/environments/new"))


def test_the_page_says_why_nothing_can_be_made(page: Client, settings: Any) -> None:
    settings.ENVIRONMENT_BACKEND = "conda"
    available_backends.refresh()
    for path in ("/environments", "/environments/new"):
        shown = text(page.get(path))
        assert "New environments cannot be created: https://conda.example.com does not answer." in shown


def test_what_an_installed_conda_has_is_registered(
    page: Client, operator: OperationWorker, made: Made
) -> None:
    made("taken")
    found = {"name": "taken", "prefix": "/opt/conda/envs/taken", "python_version": "3.9"}
    cache.set(available_backends.KEY, {"external": {"found": [found]}})
    assert "/opt/conda/envs/taken" in text(page.get("/environments/discovered"))
    entered = {"name": "taken", "directory": found["prefix"]}
    answer = page.post("/environments/discovered", entered)
    assert (answer.status_code, "already" in text(answer)) == (409, True)
    answer = page.post("/environments/discovered", entered | {"name": "free"})
    assert answer.status_code == 302
    ended(operator, Operation.objects.latest("id"))
    shown = text(page.get(answer["Location"]))
    assert "registered, read only" in shown
    assert "Install</button>" not in shown
    answer = page.post("/environments/discovered", entered | {"name": "again"})
    assert "no longer exists" in text(answer)


def test_texts_of_tools_are_inert(page: Client, by: Actor) -> None:
    operation = verbs.create("data", by=by)
    evil = "<script>alert(1)</script>"
    Operation.objects.filter(pk=operation.pk).update(
        log=evil, error=evil, state="failed", error_details=[evil]
    )
    assert evil not in page.get(f"/environments/operations/{operation.uid}").content.decode()
