"""THEMES_ENABLED=false: Belfry without a registry; and what the system checks say of one that anybody may change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from pytest_django.fixtures import Settings

from themes import checks

ASK = """
import json, django
django.setup()
from django.apps import apps
from django.conf import settings
from django.urls import Resolver404, resolve
from scheduler_site.templatetags import sections

def served(path):
    try:
        return bool(resolve(path))
    except Resolver404:
        return False

print(json.dumps({
    "installed": apps.is_installed("themes"),
    "served": [path for path in ("/themes/", "/registry", "/course-entries/copy", "/token/verify") if served(path)],
    "sections": [name for name, _label in sections.SECTIONS],
    "packages": settings.JOB_CLASS_PACKAGES,
    "cors": settings.CORS_URLS_REGEX,
}))
"""


def started(enabled: str, directory: Path) -> dict[str, Any]:
    """What a Belfry of its own says of itself."""
    surroundings = os.environ | {
        "THEMES_ENABLED": enabled,
        "DATA_DIR": str(directory),
        "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
    }
    run = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=configured.BASE_DIR,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return told


def test_without_it_there_are_no_routes_no_pages_and_no_job_class(tmp_path: Path) -> None:
    told = started("false", tmp_path)
    assert told.pop("sections").count("registry") == 0
    assert told == {
        "installed": False,
        "served": ["/token/verify"],
        "packages": ["jobs.classes"],
        "cors": "^/((api/|token/).*|(login|logout|create_user)/?)$",
    }


def test_with_it_there_are(tmp_path: Path) -> None:
    told = started("true", tmp_path)
    assert told["installed"] is True
    assert told["served"] == ["/themes/", "/registry", "/course-entries/copy", "/token/verify"]
    assert told["sections"].count("registry") == 1
    assert told["packages"] == ["jobs.classes", "themes.jobs"]


@pytest.mark.parametrize(
    ("production", "salt", "ids"),
    [(True, "nchu", ["themes.W001"]), (True, "another", []), (False, "nchu", [])],
)
def test_the_well_known_salt_is_warned_of_in_production(
    settings: Settings, production: bool, salt: str, ids: list[str]
) -> None:
    settings.PRODUCTION, settings.OPERATOR_TOKEN_SALT = production, salt
    assert [one.id for one in checks.salt()] == ids
