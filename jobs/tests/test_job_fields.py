"""A field of a job is a column and one declaration: the recipe in docs/development.md is followed in a copy of `jobs`, and the
fields that it adds are looked for on every surface, by the tests in field_of_its_own.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from jobs.models import Job
from jobs.models.column_types import bounds_of, shape_of
from jobs.models.fields import NAMES, PLAIN, JobField

COLUMNS = """
    loudness = models.PositiveSmallIntegerField(
        _("how loud"), default=3, validators=within(1, 9), help_text="From 1 to 9."
    )
    confetti = models.BooleanField(_("confetti"), default=False)

"""
DECLARATIONS = """
    JobField("loudness", "How loud its runs are.", in_runs=True, row="party"),
    JobField("confetti", "Whether its successes are celebrated.", row="party"),
"""
SURFACES = (
    *(
        "test_form",
        "test_page",
        "test_json_read",
        "test_json_written",
        "test_version",
        "test_definition_of_a_run",
    ),
    *("test_history", "test_csv[loudness]", "test_csv[Loudness]", "test_schema", "test_default"),
)
# What is stored with a job and edited by nobody: keys, the schedule, what the scheduler notes.
INTERNAL = {
    *("id", "uid", "created_by", "updated_by", "created_at", "updated_at", "owner", "secrets"),
    *("periodic_task", "day_rule", "client_form", "next_run_at", "pending_segments", "quarantine_reason"),
    *("at_zone", "zone_rules", "deleted_at", "by_installation", "code_suspended", "secrets_by"),
}


def inserted(path: Path, text: str, before: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1
    path.write_text(source.replace(before, text + before), encoding="utf-8")


def outcomes(tree: Path) -> dict[str, str]:
    """What each test of field_of_its_own.py said, empty where it passed."""
    for path in settings.BASE_DIR.iterdir():
        if path.name not in {"jobs", "conftest.py", "var"} and not path.name.startswith("."):
            (tree / path.name).symlink_to(path)
    shutil.copy(settings.BASE_DIR / "conftest.py", tree)
    shutil.copytree(settings.BASE_DIR / "jobs", tree / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    inserted(tree / "jobs/models/job.py", COLUMNS, "    class Meta:\n")
    inserted(tree / "jobs/models/fields.py", DECLARATIONS, '    JobField("enable_email_notifications"')
    command = [sys.executable, "-m", "pytest", "jobs/tests/field_of_its_own.py", "--nomigrations"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", "--junitxml=found.xml"]
    own = {"DATA_DIR": str(tree / "data"), "DATABASE_URL": "", "PYTHONPATH": str(tree)}
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")} | own
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=300)
    report = tree / "found.xml"
    assert report.exists(), done.stdout + done.stderr
    return {
        case.get("name", ""): "".join(problem.text or "" for problem in case)
        for case in ElementTree.parse(report).iter("testcase")
    }


def test_a_field_that_is_declared_is_on_every_surface(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    assert {name: text for name, text in found.items() if text} == {}
    assert set(found) == set(SURFACES)


def test_every_column_of_a_job_is_declared_or_internal() -> None:
    columns = {column.name for column in Job._meta.concrete_fields}
    assert columns == {*NAMES, *INTERNAL}


@pytest.mark.parametrize("field", PLAIN, ids=lambda field: field.name)
def test_a_declaration_says_what_the_api_document_needs(field: JobField) -> None:
    assert field.about
    assert shape_of(field) != "number" or set(bounds_of(field)) == {"minimum", "maximum"}
