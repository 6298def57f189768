"""The area in which a script is written, with the keyboard, with a file, and without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from environments import home_directory
from environments.models import Environment, Operation
from jobs.models import Job
from tests_browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AREA = "[name=options-script]"


@pytest.fixture
def reports() -> Environment:
    ready = Environment.State.READY
    return Environment.objects.create(name="reports", backend="pypi", state=ready, python_version="3.12.4")


def begin(visit: Visit, user: User, *, javascript: bool = True) -> Visitor:
    visitor = visit(user, javascript=javascript)
    visitor.open("/jobs/new?kind=script")
    visitor.page.fill("[name=name]", "report")
    visitor.page.fill("[name=expression]", "30 2 * * *")
    return visitor


def save(visitor: Visitor) -> Job:
    visitor.page.click(".job-form > .actions button")
    visitor.page.wait_for_selector("h1 >> text=report")
    return Job.objects.get()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_typed_is_stored(visit: Visit, ada: User, reports: Environment, javascript: bool) -> None:
    visitor = begin(visit, ada, javascript=javascript)
    visitor.page.select_option("[name=environment]", str(reports.uid))
    visitor.page.fill(AREA, "if True:\n\tprint('ä')  \n\n")
    job = save(visitor)
    assert (job.options["script"], job.environment) == ("if True:\n\tprint('ä')  \n\n", reports)
    visitor.open(f"/jobs/{job.uid}/edit")
    save(visitor)
    assert Job.objects.get().updated_at == job.updated_at


def test_tab_indents_and_escape_lets_it_leave(visit: Visit, ada: User) -> None:
    page = begin(visit, ada).page
    page.focus(AREA)
    page.keyboard.type("a\nb\nc")
    page.keyboard.press("Control+a")
    page.keyboard.press("Tab")
    assert page.input_value(AREA) == "    a\n    b\n    c"
    page.keyboard.press("Shift+Tab")
    assert page.input_value(AREA) == "a\nb\nc"
    page.keyboard.press("Control+z")
    assert page.input_value(AREA) == "    a\n    b\n    c"
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "options-script"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "line_ends"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.type") == "file"


def test_lines_are_numbered_and_bytes_counted(visit: Visit, ada: User) -> None:
    page = begin(visit, ada).page
    page.fill(AREA, "ä\nb\n")
    assert page.inner_text(".editor-lines").split() == ["1", "2", "3"]
    assert page.inner_text("[data-size]").startswith("5 of")
    page.select_option("[name=line_ends]", "crlf")
    assert page.inner_text("[data-size]").startswith("7 of")


def test_a_file_fills_it_byte_for_byte(visit: Visit, ada: User, reports: Environment, tmp_path: Path) -> None:
    file = tmp_path / "report.py"
    file.write_bytes(b"\xef\xbb\xbfif True:\r\n\tprint(1)  \r\n")
    visitor = begin(visit, ada)
    visitor.page.select_option("[name=environment]", str(reports.uid))
    visitor.page.set_input_files("[data-chooser] input", file)
    visitor.page.wait_for_selector("[data-size] >> text=26 of")
    assert visitor.page.input_value("[name=line_ends]") == "crlf"
    assert save(visitor).options["script"].encode() == file.read_bytes()


def test_a_file_that_is_no_text_or_too_large_changes_nothing(visit: Visit, ada: User, tmp_path: Path) -> None:
    page = begin(visit, ada).page
    page.fill(AREA, "kept")
    for content, words in ((b"\xff\xfe\0", "not a text"), (b"x" * 600_000, "larger than 524,288")):
        file = tmp_path / "odd.py"
        file.write_bytes(content)
        page.set_input_files("[data-chooser] input", file)
        page.wait_for_selector(f"[data-problem] >> text={words}")
        assert page.input_value(AREA) == "kept"


def test_what_the_environment_lacks_follows_what_is_typed(
    visit: Visit, ada: User, reports: Environment, settings: Any, tmp_path: Path
) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path
    prefix = str(reports.prefix)
    home_directory.write(
        reports.home, home_directory.Description("pypi", prefix, f"{prefix}/bin/python", "3.12.4")
    )
    page = begin(visit, ada).page
    page.fill(AREA, "x" * 100_000)
    page.select_option("[name=environment]", str(reports.uid))
    with page.expect_request("**/jobs/lacking") as asked:
        page.fill("[name=options-requirements]", "numpy")
    page.wait_for_selector("#lacking >> text=not installed")
    assert "xxx" not in (asked.value.post_data or "")
    assert page.input_value(AREA) == "x" * 100_000


def test_a_change_of_the_environment_is_followed_to_its_end(
    visit: Visit, ada: User, reports: Environment, settings: Any, tmp_path: Path
) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path
    prefix = str(reports.prefix)
    home_directory.write(
        reports.home, home_directory.Description("pypi", prefix, f"{prefix}/bin/python", "3.12.4")
    )
    going = Operation.objects.create(
        environment=reports,
        environment_name=reports.name,
        kind=Operation.Kind.INSTALL,
        busy=reports.pk,
        created_at=timezone.now(),
    )
    page = begin(visit, ada).page
    page.select_option("[name=environment]", str(reports.uid))
    page.fill("[name=options-requirements]", "numpy")
    page.wait_for_selector("#lacking >> text=is being changed")
    Operation.objects.filter(pk=going.pk).update(state=Operation.State.SUCCESS, busy=None)
    page.wait_for_selector("#lacking >> text=not installed")
    assert page.locator("#lacking").count() == 1
