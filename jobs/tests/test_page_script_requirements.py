"""What a script needs and its environment does not have: said on the form, and installed from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from environments import home_directory
from environments.models import Environment, Operation
from jobs.models import Job
from jobs.tests.pages import browser, edits
from jobs.tests.script_jobs import environment, script_entries, script_job

pytestmark = pytest.mark.django_db
NEEDS = {"options-requirements": "pandas>=2.1\r\nnumpy\r\nrequests # for the report\r\n"}


@pytest.fixture
def where(tmp_path: Path, settings: Any, ada: User) -> Environment:
    """An environment with pandas 1.5.3 and requests in it."""
    settings.ENVIRONMENTS_DIR = tmp_path
    found = environment(created_by=ada)
    packages = found.prefix / "lib" / "python3.12" / "site-packages"
    for name, version in (("pandas", "1.5.3"), ("requests", "2.32.0")):
        record = packages / f"{name}-{version}.dist-info"
        record.mkdir(parents=True)
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    python = str(found.prefix / "bin" / "python")
    home_directory.write(found.home, home_directory.Description("pypi", str(found.prefix), python, "3.12.4"))
    return found


def asked(user: User, where: Environment, text: str = NEEDS["options-requirements"]) -> str:
    sent = {"environment": where.uid, "options-requirements": text}
    return browser(user).post("/jobs/lacking", sent).content.decode()


def test_what_the_environment_lacks_is_said_with_what_is_there(ada: User, where: Environment) -> None:
    part = asked(ada, where)
    assert "<code>pandas&gt;=2.1</code> (1.5.3 is installed)" in part
    assert "<code>numpy</code> (not installed)" in part
    assert "requests" not in part
    assert "Install in reports" in part


def test_an_environment_that_has_everything_says_so(ada: User, where: Environment) -> None:
    assert "All requirements are installed in reports." in asked(ada, where, "requests>=2\n")


@pytest.mark.parametrize("text", ["", "# nothing", "not a requirement at all", "\0", "[" * 3000])
def test_nothing_is_said_of_what_is_no_requirement(ada: User, where: Environment, text: str) -> None:
    part = asked(ada, where, text)
    assert "lacks" not in part
    assert "All of these" not in part


def test_of_an_environment_that_is_not_there_yet_nothing_is_known(
    ada: User, settings: Any, tmp_path: Path
) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path
    assert "are not known yet" in asked(ada, environment(state="creating"))


@pytest.mark.parametrize("named", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "\0"])
def test_an_unknown_environment_lacks_nothing(ada: User, named: str) -> None:
    answer = browser(ada).post("/jobs/lacking", {"environment": named} | NEEDS)
    assert answer.status_code == 200
    assert "lacks" not in answer.content.decode()


def test_the_form_says_so_without_javascript_and_keeps_what_was_typed(ada: User, where: Environment) -> None:
    job = script_job(ada, where=where, options={"script": "x\n", "requirements": "numpy\n"})
    assert "<code>numpy</code> (not installed)" in browser(ada).get(f"/jobs/{job.uid}/edit").content.decode()
    sent = script_entries("typed\n", environment=where.uid, name="", install="1", **NEEDS)
    page = browser(ada).post("/jobs/new", sent).content.decode()
    assert "pandas&gt;=2.1, numpy will be installed in reports." in page
    assert "typed" in page
    assert "errorlist" not in page
    operation = Operation.objects.get()
    assert (operation.kind, operation.packages) == ("install", ["pandas>=2.1", "numpy"])
    again = browser(ada).post("/jobs/new", sent).content.decode()
    assert "reports is being changed: install packages." in again
    assert 'class="notice bad"' in again
    assert Operation.objects.count() == 1


def test_of_others_environments_the_button_is_not_there_and_does_nothing(
    uma: User, where: Environment
) -> None:
    User.objects.filter(pk=uma.pk).update(may_run_code=True)
    person = User.objects.get(pk=uma.pk)
    assert "Install in reports" not in asked(person, where)
    sent = script_entries(environment=where.uid, install="1", **NEEDS)
    assert browser(person).post("/jobs/new", sent).status_code == 403
    assert not Operation.objects.exists()


def test_an_environment_that_belongs_to_somebody_else_is_not_changed_from_here(
    ada: User, where: Environment
) -> None:
    Environment.objects.update(registered_prefix=str(where.prefix))
    part = asked(ada, where)
    assert "Missing in" in part
    assert "Install in reports" not in part


def test_without_the_right_to_run_code_nothing_is_told(uma: User, vic: User, where: Environment) -> None:
    for person in (uma, vic):
        answer = browser(person).post("/jobs/lacking", {"environment": where.uid} | NEEDS)
        assert answer.status_code == 403


def test_requirements_keep_their_line_ends(ada: User, where: Environment) -> None:
    job = script_job(ada, where=where, options={"script": "x", "requirements": "requests\nnumpy\n"})
    sent = script_entries("x", environment=where.uid, name="renamed")
    sent["options-requirements"] = "requests\r\nnumpy\r\n"
    browser(ada).post(f"/jobs/{job.uid}/edit", edits(job, **sent))
    assert Job.objects.get().options["requirements"] == "requests\nnumpy\n"
