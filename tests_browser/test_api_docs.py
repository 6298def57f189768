"""Swagger UI and Redoc render the API's document, without a complaint of the browser and without asking elsewhere."""

from __future__ import annotations

import pytest

from tests_browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("dark", [False, True])
def test_swagger_ui_shows_routes_and_their_fields(visit: Visit, dark: bool) -> None:
    visitor = visit(dark=dark)
    visitor.open("/docs")
    visitor.page.get_by_role("heading", name="Belfry").wait_for()
    visitor.page.locator("#operations-Jobs-create_job button").first.click()
    visitor.page.get_by_text("Nightly backup").first.wait_for()


def test_redoc_shows_routes_and_finds_them(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/redoc")
    visitor.page.get_by_role("heading", name="Belfry").wait_for()
    visitor.page.get_by_role("heading", name="Run a job now").wait_for()
    visitor.page.get_by_placeholder("Search").press_sequentially("Compare")
    visitor.page.get_by_role("menuitem").filter(has_text="Compare all jobs").first.wait_for()


def test_a_route_can_be_tried_in_swagger_ui(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/docs")
    visitor.page.locator("#operations-System-get_openapi button").first.click()
    visitor.page.get_by_role("button", name="Try it out").click()
    visitor.page.get_by_role("button", name="Execute", exact=True).click()
    visitor.page.locator(".live-responses-table").get_by_text('"openapi": "3.1.0"').first.wait_for()
