"""The pages of environments in a browser: an operation is followed to its end, and nothing is wider than a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from audit.record import Actor
from environments import verbs
from environments.models import Environment, Operation
from environments.operations import publish, transitions
from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _nobody_carries_out(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENVIRONMENTS_DIR = tmp_path
    monkeypatch.setattr(publish, "announce", lambda: None)


def test_an_operation_is_followed_to_its_end(visit: Visit, ada: User) -> None:
    visitor = visit(ada)
    visitor.open("/environments/new")
    visitor.page.fill("[name=name]", "data")
    visitor.page.fill("[name=packages]", "six")
    visitor.page.click("main button.primary")
    visitor.page.wait_for_url("**/environments/operations/*")
    (operation,) = transitions.claim("worker", 1)
    transitions.renew(operation, "<b>Downloading six</b>\n")
    visitor.page.wait_for_selector("#operation pre >> text=<b>Downloading six</b>")
    transitions.finish(operation, transitions.End(Operation.State.SUCCESS))
    visitor.page.click("text=Open data")
    visitor.page.wait_for_selector("h1 >> text=data")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_small_phone(visit: Visit, ada: User, dark: bool) -> None:
    environment = Environment.objects.create(
        name="n" * 64, backend="pypi", state="broken", error="e" * 300, disk_bytes=10**10, created_by=ada
    )
    operation = verbs.install(environment, ["p" * 100 + ">=1.0"], by=Actor(ada, "page"))
    Operation.objects.update(
        log="l" * 500, error="x" * 300, started_at=timezone.now(), error_details=["d" * 200]
    )
    visitor = visit(ada, width=360, dark=dark)
    paths = ["/environments", "/environments/new", "/environments/discovered"]
    paths += [f"/environments/{environment.uid}{page}" for page in ("", "/rename", "/delete")]
    for path in [*paths, f"/environments/operations/{operation.uid}"]:
        visitor.open(path)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path
