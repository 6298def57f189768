"""A slash too many or too few leads to the page."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("/jobs/", "/jobs"),
        ("/executions/?state=bad&page=2", "/executions?state=bad&page=2"),
        ("/notifications/", "/notifications"),
        ("/admin", "/admin/"),
    ],
)
def test_an_address_with_another_end_leads_to_the_page(
    client: Client, ada: User, typed: str, page: str
) -> None:
    client.force_login(ada)
    answer = client.get(typed)
    assert (answer.status_code, answer["Location"]) == (301, page)
    assert client.get(page).status_code in (200, 302)  # who is logged in is led on from the login


@pytest.mark.parametrize("path", ["/nothing/", "/nothing", "/jobs//", "/api/nothing/"])
def test_where_there_is_no_page_there_is_no_redirect(client: Client, ada: User, path: str) -> None:
    client.force_login(ada)
    assert client.get(path).status_code == 404


def test_what_changes_something_is_not_led_elsewhere(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.post("/jobs/new/").status_code == 404
